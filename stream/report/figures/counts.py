# SPDX-License-Identifier: Apache-2.0
"""Counts: sums under keys, each with the number of people it is about.

Counts of two partitions add up, since a consumer's account, entries and offers are in one. So the
counts of a partition can be kept, and a report is made of them in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

#: The name of a figure, what it is divided by, and last the name of the measure.
Key = tuple[str, ...]


class Count(NamedTuple):
    """``amount`` over ``people`` (never more than there are, so that too few are noticed)."""

    people: int = 0
    amount: int = 0


_NOTHING = Count()
_Stored = list[tuple[Key, int, int]]


class Counts:
    """Counts by key; two are equal if they hold the same."""

    def __init__(self) -> None:
        self._counts: dict[Key, Count] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counts) and self._counts == other._counts

    def __getitem__(self, key: Key) -> Count:
        return self._counts.get(key, _NOTHING)

    def add(self, key: Key, amount: int, people: int = 1) -> None:
        """Add an amount; nothing else may have counted these people under this key."""
        known = self._counts.get(key, _NOTHING)
        self._counts[key] = Count(known.people + people, known.amount + amount)

    def add_person(self, amounts: Mapping[Key, int]) -> None:
        """Add everything that one consumer amounts to."""
        for key, amount in amounts.items():
            if amount:
                self.add(key, amount)

    def merge(self, other: Counts) -> None:
        """Add the counts of another partition."""
        for key, (people, amount) in other._counts.items():
            self.add(key, amount, people)

    def under(self, *begin: str) -> Iterator[tuple[Key, Count]]:
        """The counts whose keys begin so, in the order of the rest of their keys."""
        length = len(begin)
        for key in sorted(key for key in self._counts if key[:length] == begin):
            yield key[length:], self._counts[key]

    def names(self, *begin: str) -> list[str]:
        """What stands next in the keys that begin so, in order."""
        return sorted({rest[0] for rest, _ in self.under(*begin) if rest})

    def dump(self) -> bytes:
        """The same counts give the same bytes."""
        stored: _Stored = [(key, *self._counts[key]) for key in sorted(self._counts)]
        return msgspec.msgpack.encode(stored)

    @classmethod
    def load(cls, data: bytes) -> Counts:
        """Raises ``msgspec.MsgspecError`` for anything that :meth:`dump` did not write."""
        counts = cls()
        for key, people, amount in msgspec.msgpack.decode(data, type=_Stored):
            counts.add(key, amount, people)
        return counts
