# SPDX-License-Identifier: Apache-2.0
"""Collect the tombstones that a sweep will publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import Final

from stream.engine.model.decision import Send
from stream.kafka.topic_reader import TopicRecord
from stream.tables import Record

Headers = tuple[tuple[str, bytes], ...]

#: Payments and origins whose further records one sweep can follow (about 60 MB).
DEFERRED_MAX: Final = 250_000


class DeferredTombstones:
    """Payments and origins whose other records must be erased, and the records that revealed them.

    The revealing records are erased last, so that an interrupted sweep finds them again.
    """

    def __init__(self, most: int = DEFERRED_MAX) -> None:
        self.overflow = False
        self._most = most
        self._hashes: Counter[int] = Counter()  # revealing records of each
        self._pending: dict[tuple[str, int], PendingTombstones] = {}
        self._origins: dict[tuple[str, int, bytes | None], int] = {}  # hash by record

    def add(self, record: TopicRecord, about: str, instead: Sequence[Send] = ()) -> None:
        """Defer a record that reveals a payment or an origin, by key."""
        hashed = _hash(about)
        if hashed not in self._hashes and len(self._hashes) >= self._most:
            self.overflow = True
            return
        self._hashes[hashed] += 1
        place = (record.topic, record.partition)
        self._pending.setdefault(place, PendingTombstones(*place)).add(record.key, instead)
        if not _is_payment(about):
            self._origins[*place, record.key] = hashed

    def see(self, record: TopicRecord) -> None:
        """Note a record read: one with a tombstone needs no second one.

        An origin without other revealing records is dropped. A payment stays: more may come.
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
        """Whether it is the key of a revealed payment."""
        return _is_payment(key) and key in self

    def pending(self) -> list[PendingTombstones]:
        """The revealing records, to be erased after all others."""
        return list(self._pending.values())


class PendingTombstones:
    """The records of one partition to erase, without those that already have a tombstone."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self._partition = topic, partition
        self._keys: dict[bytes, tuple[Sequence[Send], Headers]] = {}

    def add(self, key: bytes | None, instead: Sequence[Send] = (), headers: Headers = ()) -> None:
        """Add a record by its key; one without a key cannot be erased.

        ``instead`` is published before the tombstone, which has ``headers`` for its readers.
        """
        if key is not None:
            self._keys[key] = instead, headers

    def see(self, record: TopicRecord) -> None:
        """Note a record read: a tombstone removes its key here."""
        if record.value is None and record.key is not None:
            self._keys.pop(record.key, None)

    def take(self) -> tuple[list[Send], list[Record]]:
        """Take all: the messages to publish first, and the tombstones."""
        keys, self._keys = self._keys, {}
        tombstones = [
            Record(self.topic, key, None, headers, self._partition)
            for key, (_, headers) in keys.items()
        ]
        return list(chain.from_iterable(instead for instead, _ in keys.values())), tombstones

    def __len__(self) -> int:
        return len(self._keys)


def _is_payment(key: str) -> bool:
    return key.startswith("tx.")


def _hash(to: str) -> int:
    return int.from_bytes(blake2b(to.encode(), digest_size=8).digest())
