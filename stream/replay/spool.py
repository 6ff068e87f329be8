"""Messages on disk, sorted by when they are applied and by who applies them.

Each process writes one file in pieces and remembers where each piece is, so that neither memory
nor the number of files grows with the input.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from stream.engine.messages import Message

#: So many messages are held before pieces of them are written.
HELD_MAX: Final = 50_000


class Post(NamedTuple):
    """A message on its way: ``at`` (ms) is when the event behind it reached its topic."""

    at: int
    to: str
    message: Message


class Piece(NamedTuple):
    """Where some messages are: the file of a process, the place in it, and how many they are."""

    file: str
    offset: int
    size: int
    posts: int


class Slot(NamedTuple):
    """What is kept together: messages of one day and one stage of it."""

    day: int
    stage: int


#: slot -> share -> pieces
Index = dict[Slot, dict[int, list[Piece]]]

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[list[Post]] = msgspec.msgpack.Decoder(list[Post])


def pack(posts: list[Post]) -> bytes:
    """Messages for another process."""
    return _encoder.encode(posts)


def unpack(data: bytes) -> list[Post]:
    """The inverse of :func:`pack`."""
    return _decoder.decode(data)


class Spool:
    """One process's file, which others read when it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._held: dict[tuple[Slot, int], list[Post]] = defaultdict(list)
        self._count = 0
        self._index: Index = {}

    def add(self, slot: Slot, share: int, post: Post) -> None:
        self._held[slot, share].append(post)
        self._count += 1
        if self._count >= HELD_MAX:
            self._flush()

    def close(self) -> Index:
        """Write what is left; answers where everything is."""
        self._flush()
        self._file.close()
        return self._index

    def _flush(self) -> None:
        offset = self._file.tell()
        for (slot, share), posts in self._held.items():
            data = pack(posts)
            self._file.write(data)
            piece = Piece(str(self._path), offset, len(data), len(posts))
            self._index.setdefault(slot, {}).setdefault(share, []).append(piece)
            offset += len(data)
        self._held.clear()
        self._count = 0


def fetch(pieces: Iterable[Piece]) -> list[Post]:
    """All messages of some pieces in order of time."""
    posts: list[Post] = []
    for piece in pieces:
        descriptor = os.open(piece.file, os.O_RDONLY)
        try:
            posts += unpack(os.pread(descriptor, piece.size, piece.offset))
        finally:
            os.close(descriptor)
    posts.sort(key=itemgetter(0))
    return posts
