# SPDX-License-Identifier: Apache-2.0
"""Read exported events from files: split files into blocks of lines, and lines into records.

A line is an event in structured form (what ``kcat -C`` prints of a structured or plain record), or
the JSON that ``kcat -C -J`` wraps around a record of any form.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec

from schemas import CONTRACTS

BLOCK_BYTES: Final = 1_048_576
#: A record over 256 kB is refused; escaped as JSON, twice, it may be four times as long.
LINE_BYTES_MAX: Final = 4 * BLOCK_BYTES
_GZIP: Final = b"\x1f\x8b"
_TOPICS: Final = {c.type: c.topics[0] for c in CONTRACTS.values() if c.direction == "in"}


@dataclass(frozen=True, slots=True)
class LinePosition:
    """A line of one of the files, both counted from the first; files from 0, lines from 1."""

    file: int
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one file; ``at`` is the position of the first."""

    at: LinePosition
    data: bytes


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record as it was in its topic; ``timestamp`` (ms) is ``None`` if the line has none."""

    topic: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int | None = None


def blocks(paths: Sequence[Path], on_read: Callable[[int], None]) -> Iterator[Block]:
    """The blocks of the files in turn; gzip files are unpacked.

    ``on_read`` is called with the number of stored bytes read since the last call. Raises
    ``OSError``, also for a damaged gzip file, and ``EOFError`` for a truncated one.
    """
    for number, path in enumerate(paths):
        with path.open("rb") as stored, ExitStack() as stack:
            file: BinaryIO = stored
            if stored.peek(2).startswith(_GZIP):
                file = cast(BinaryIO, stack.enter_context(gzip.open(stored)))
            line, reported = 1, 0
            for data in _whole_lines(file):
                yield Block(LinePosition(number, line), data)
                line += data.count(b"\n")
                on_read(stored.tell() - reported)
                reported = stored.tell()


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Of a line that is too long, only the beginning: enough for it to be refused."""
    rest, skipping = b"", False
    while chunk := file.read(BLOCK_BYTES):
        if skipping:
            _, newline, chunk = chunk.partition(b"\n")
            if not newline:
                continue
            skipping, chunk = False, b"\n" + chunk
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield whole + newline
        if len(rest) > LINE_BYTES_MAX:
            yield rest
            rest, skipping = b"", True
    if rest:
        yield rest


class _Line(msgspec.Struct):
    """The fields that are read of either form."""

    type: Any = None
    topic: str | None = None
    payload: str | msgspec.UnsetType | None = msgspec.UNSET
    headers: list[str | None] | None = None  # names and values in turn
    ts: Any = None


_decode = msgspec.json.Decoder(_Line).decode


def read_line(line: bytes) -> SourceRecord:
    """The record that a line holds; ``schemas.decode`` checks whether it is an event."""
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return SourceRecord("", line)
    payload, topic = found.payload, found.topic
    if payload is msgspec.UNSET or topic is None:
        type_ = found.type
        return SourceRecord(_TOPICS.get(type_, "") if type(type_) is str else "", line)
    names = found.headers or []
    values = [(value or "").encode() for value in names[1::2]]
    headers = list(zip(map(str, names[::2]), values, strict=False))
    timestamp = found.ts if type(found.ts) is int and found.ts > 0 else None
    value = None if payload is None else payload.encode()
    return SourceRecord(topic, value, headers, timestamp)
