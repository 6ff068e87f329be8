# SPDX-License-Identifier: Apache-2.0
"""Spill messages to disk, grouped by the time and the shard that they are applied in.

Each process writes one file in chunks and keeps an index of the chunks, so that neither memory nor
the number of files grows with the input.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from stream.engine.model.messages import Message

#: So many messages are held in memory before chunks of them are written.
HELD_MAX: Final = 50_000


class RoutedMessage(NamedTuple):
    """A message for the entity ``to``; its event reached its topic at ``at`` (ms)."""

    at: int
    to: str
    message: Message


class Chunk(NamedTuple):
    """Where some messages are stored: the file, the bytes in it, and the number of messages."""

    file: str
    offset: int
    size: int
    messages: int


class TimeSlot(NamedTuple):
    """A day and a phase of it; messages of one slot are stored together."""

    day: int
    phase: int


#: slot -> shard -> chunks
Index = dict[TimeSlot, dict[int, list[Chunk]]]

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[RoutedMessage]] = msgspec.msgpack.Decoder(
    list[RoutedMessage]
)


def pack(messages: list[RoutedMessage]) -> bytes:
    """Messages as bytes, for a file or another process."""
    return _encoder.encode(messages)


def unpack(data: bytes) -> list[RoutedMessage]:
    """The inverse of :func:`pack`."""
    return _decoder.decode(data)


class SpillFile:
    """The file of one process; other processes read it once it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._held: dict[tuple[TimeSlot, int], list[RoutedMessage]] = defaultdict(list)
        self._count = 0
        self._index: Index = {}

    def add(self, slot: TimeSlot, shard: int, message: RoutedMessage) -> None:
        self._held[slot, shard].append(message)
        self._count += 1
        if self._count >= HELD_MAX:
            self._flush()

    def close(self) -> Index:
        """Write the remaining messages, and return the index."""
        self._flush()
        self._file.close()
        return self._index

    def _flush(self) -> None:
        offset = self._file.tell()
        for (slot, shard), messages in self._held.items():
            data = pack(messages)
            self._file.write(data)
            chunk = Chunk(str(self._path), offset, len(data), len(messages))
            self._index.setdefault(slot, {}).setdefault(shard, []).append(chunk)
            offset += len(data)
        self._held.clear()
        self._count = 0


def read_chunks(chunks: Iterable[Chunk]) -> list[RoutedMessage]:
    """All messages of some chunks, in order of time."""
    messages: list[RoutedMessage] = []
    for chunk in chunks:
        descriptor = os.open(chunk.file, os.O_RDONLY)
        try:
            messages += unpack(os.pread(descriptor, chunk.size, chunk.offset))
        finally:
            os.close(descriptor)
    messages.sort(key=itemgetter(0))
    return messages
