"""What a sweep is going to erase, as it finds it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from stream.engine.decision import Send
from stream.runtime.topic_reader import TopicRecord
from stream.tables import Record

#: Payments and origins which one sweep takes on because of what clues tell (about 60 MB).
CLUES_MAX: Final = 250_000


class Clues:
    """Whose messages are left over, as others tell which are left over themselves and go last."""

    def __init__(self, most: int = CLUES_MAX) -> None:
        self.overflow = False
        self._most = most
        self._hashes: set[int] = set()
        self._pending: dict[tuple[str, int], Pending] = {}

    def add(self, record: TopicRecord, about: str, instead: Send | None = None) -> None:
        """The record tells of a payment or an origin, by key."""
        hashed = _hash(about)
        if hashed not in self._hashes and len(self._hashes) >= self._most:
            self.overflow = True
            return
        self._hashes.add(hashed)
        place = (record.topic, record.partition)
        self._pending.setdefault(place, Pending(*place)).add(record.key, instead)

    def see(self, record: TopicRecord) -> None:
        """A record with a tombstone needs no second one; what it told is known by now."""
        if pending := self._pending.get((record.topic, record.partition)):
            pending.see(record)

    def __contains__(self, about: str) -> bool:
        return bool(about) and _hash(about) in self._hashes

    def pending(self) -> list[Pending]:
        """The records which told, to be erased when all else is."""
        return list(self._pending.values())


class Pending:
    """What is to be erased of one partition. A tombstone which comes later has done it already."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self._partition = topic, partition
        self._keys: dict[bytes, Send | None] = {}  # and what is said instead

    def add(self, key: bytes | None, instead: Send | None = None) -> None:
        """Erase the record with this key; one without a key cannot be."""
        if key is not None:
            self._keys[key] = instead

    def see(self, record: TopicRecord) -> None:
        """Whether it is a tombstone or not."""
        if record.value is None and record.key is not None:
            self._keys.pop(record.key, None)

    def take(self) -> tuple[list[Send], list[Record]]:
        """What is said instead, and the tombstones; nothing is left here."""
        keys, self._keys = self._keys, {}
        tombstones = [Record(self.topic, key, None, (), self._partition) for key in keys]
        return [send for send in keys.values() if send is not None], tombstones

    def __len__(self) -> int:
        return len(self._keys)


def _hash(to: str) -> int:
    return int.from_bytes(blake2b(to.encode(), digest_size=8).digest())
