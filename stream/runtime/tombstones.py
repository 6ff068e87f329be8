"""What a sweep is going to erase, as it finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
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
        self._hashes: Counter[int] = Counter()  # how many records tell of it
        self._pending: dict[tuple[str, int], Pending] = {}
        self._origins: dict[tuple[str, int, bytes | None], int] = {}  # hashes by record

    def add(self, record: TopicRecord, about: str, instead: Sequence[Send] = ()) -> None:
        """The record tells of a payment or an origin, by key."""
        hashed = _hash(about)
        if hashed not in self._hashes and len(self._hashes) >= self._most:
            self.overflow = True
            return
        self._hashes[hashed] += 1
        place = (record.topic, record.partition)
        self._pending.setdefault(place, Pending(*place)).add(record.key, instead)
        if not _is_payment(about):
            self._origins[*place, record.key] = hashed

    def see(self, record: TopicRecord) -> None:
        """A record with a tombstone needs no second one.

        An origin of which no other record tells is done with. Of a payment more may come.
        """
        if pending := self._pending.get((record.topic, record.partition)):
            pending.see(record)
        if record.value is None:
            place = (record.topic, record.partition, record.key)
            if (hashed := self._origins.pop(place, None)) is not None:
                self._hashes[hashed] -= 1

    def __contains__(self, about: str) -> bool:
        return bool(about) and self._hashes[_hash(about)] > 0

    def has_payment(self, key: str) -> bool:
        """Whether it is the key of a payment of which something tells."""
        return _is_payment(key) and key in self

    def pending(self) -> list[Pending]:
        """The records which told, to be erased when all else is."""
        return list(self._pending.values())


class Pending:
    """What is to be erased of one partition. A tombstone which comes later has done it already."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self._partition = topic, partition
        self._keys: dict[bytes, Sequence[Send]] = {}  # and what is said instead

    def add(self, key: bytes | None, instead: Sequence[Send] = ()) -> None:
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
        return list(chain.from_iterable(keys.values())), tombstones

    def __len__(self) -> int:
        return len(self._keys)


def _is_payment(key: str) -> bool:
    return key.startswith("tx.")


def _hash(to: str) -> int:
    return int.from_bytes(blake2b(to.encode(), digest_size=8).digest())
