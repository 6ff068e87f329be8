"""Cells: sums under keys, each with the number of people it is about.

Cells of two partitions add up, since a consumer's account, entries and offers are in one partition.
So the cells of a partition can be kept, and a report is made of them in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

#: The name of a figure, what it is divided by, and last the name of the measure.
Key = tuple[str, ...]


class Cell(NamedTuple):
    """``amount`` over ``people`` (never more than there are, so that too few are noticed)."""

    people: int = 0
    amount: int = 0


_NOTHING = Cell()
_Stored = list[tuple[Key, int, int]]


class Cells:
    """Cells by key; two are equal if they hold the same."""

    def __init__(self) -> None:
        self._cells: dict[Key, Cell] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and self._cells == other._cells

    def __getitem__(self, key: Key) -> Cell:
        return self._cells.get(key, _NOTHING)

    def add(self, key: Key, amount: int, people: int = 1) -> None:
        """Add an amount; nothing else may have counted these people under this key."""
        known = self._cells.get(key, _NOTHING)
        self._cells[key] = Cell(known.people + people, known.amount + amount)

    def add_person(self, amounts: Mapping[Key, int]) -> None:
        """Add everything that one consumer amounts to."""
        for key, amount in amounts.items():
            if amount:
                self.add(key, amount)

    def merge(self, other: Cells) -> None:
        """Add the cells of another partition."""
        for key, (people, amount) in other._cells.items():
            self.add(key, amount, people)

    def under(self, *begin: str) -> Iterator[tuple[Key, Cell]]:
        """The cells whose keys begin so, in the order of the rest of their keys."""
        length = len(begin)
        for key in sorted(key for key in self._cells if key[:length] == begin):
            yield key[length:], self._cells[key]

    def names(self, *begin: str) -> list[str]:
        """What stands next in the keys that begin so, in order."""
        return sorted({rest[0] for rest, _ in self.under(*begin) if rest})

    def dump(self) -> bytes:
        """The same cells give the same bytes."""
        stored: _Stored = [(key, *self._cells[key]) for key in sorted(self._cells)]
        return msgspec.msgpack.encode(stored)

    @classmethod
    def load(cls, data: bytes) -> Cells:
        """Raises ``msgspec.MsgspecError`` for anything that :meth:`dump` did not write."""
        cells = cls()
        for key, people, amount in msgspec.msgpack.decode(data, type=_Stored):
            cells.add(key, amount, people)
        return cells
