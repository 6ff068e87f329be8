"""Exported events, one a line: files as blocks of lines, lines as records.

A line is an event in structured form (what ``kcat -C`` prints of a structured or plain record), or
the JSON which ``kcat -C -J`` wraps around a record of any form.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import orjson

from schemas import CONTRACTS

BLOCK_BYTES: Final = 1_048_576
#: A record of 256 kB is refused; its JSON may be twice as long, twice over.
LINE_BYTES_MAX: Final = 4 * BLOCK_BYTES
_GZIP: Final = b"\x1f\x8b"
_TOPICS: Final = {c.type: c.topics[0] for c in CONTRACTS.values() if c.direction == "in"}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of one of the files, both counted from the first; files from 0, lines from 1."""

    file: int
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one file; ``at`` is the first."""

    at: Place
    data: bytes


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A record as it stood on its topic; ``timestamp`` in ms, ``None`` where the line has none."""

    topic: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int | None = None


def blocks(paths: Sequence[Path], on_read: Callable[[int], None]) -> Iterator[Block]:
    """The files in turn, unpacked where they are gzip; ``on_read`` hears of bytes as stored.

    Raises ``OSError``, also for what is broken in a gzip file; ``EOFError`` where one ends early.
    """
    for number, path in enumerate(paths):
        with path.open("rb") as stored, ExitStack() as stack:
            file: BinaryIO = stored
            if stored.peek(2).startswith(_GZIP):
                file = cast(BinaryIO, stack.enter_context(gzip.open(stored)))
            line, told = 1, 0
            for data in _whole_lines(file):
                yield Block(Place(number, line), data)
                line += data.count(b"\n")
                on_read(stored.tell() - told)
                told = stored.tell()


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Of a line which is too long the beginning alone, enough to be refused as what it is."""
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


def read_line(line: bytes) -> SourceLine:
    """The record behind a line; whether it is an event of ours is for ``schemas.decode`` to say."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return SourceLine("", line)
    if type(document) is not dict:
        return SourceLine("", line)
    if "payload" in document and "topic" in document:
        return _unwrapped(document, line)
    type_ = document.get("type")
    return SourceLine(_TOPICS.get(type_, "") if type(type_) is str else "", line)


def _unwrapped(document: dict[str, Any], line: bytes) -> SourceLine:
    match document:
        case {"topic": str(topic), "payload": str() | None as payload}:
            names: Any = document.get("headers") or []
            if type(names) is not list or not all(isinstance(n, str | None) for n in names):
                return SourceLine("", line)
            values = [(value or "").encode() for value in names[1::2]]
            headers = list(zip(map(str, names[::2]), values, strict=False))
            at = document.get("ts")
            timestamp = at if type(at) is int and at > 0 else None
            value = None if payload is None else payload.encode()
            return SourceLine(topic, value, headers, timestamp)
        case _:
            return SourceLine("", line)
