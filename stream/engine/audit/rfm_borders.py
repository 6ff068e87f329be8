# SPDX-License-Identifier: Apache-2.0
"""Propose borders of RFM scores: fifths of all customers, by histograms of whole numbers.

A histogram is a count for each cell of like amounts, so it does not depend on the order in which
customers come, and one can be taken out of it again. A cell is at most 1.6 % wide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stream.engine.model.calendar import day_of
from stream.engine.model.classes import BEST
from stream.engine.points.classes.bought import Day

#: Nothing is said of fewer people: they might be recognised.
PEOPLE_MIN: Final = 20
_BITS: Final = 7  # of an amount, from the highest on, which tell cells apart


class Measured(NamedTuple):
    """Days since the last purchase, purchases, and their fen."""

    recency: int
    frequency: int
    money: int


class Borders(NamedTuple):
    """Four borders of each score."""

    r: list[int]
    f: list[int]
    m: list[int]


def measured(days: Sequence[Day], as_of: int, window_days: int) -> Measured | None:
    """A customer as of ``as_of`` (ms); ``None`` for who bought nothing within the window."""
    today = day_of(as_of)
    within = [
        purchase
        for here in days
        if here.day > today - window_days
        for purchase in here.purchases
        if purchase[0] <= as_of
    ]
    if not within:
        return None
    number = sum([purchase[1] for purchase in within])
    return Measured(today - day_of(within[-1][0]), number, sum([p[2] for p in within]))


def cell_of(amount: int) -> int:
    """The least amount of its cell."""
    shift = max(0, amount.bit_length() - _BITS)
    return amount >> shift << shift


@dataclass
class Histograms:
    """How many customers there are in each cell."""

    recency: Counter[int] = field(default_factory=Counter)
    frequency: Counter[int] = field(default_factory=Counter)
    money: Counter[int] = field(default_factory=Counter)

    def add(self, one: Measured) -> None:
        self.recency[one.recency] += 1
        self.frequency[cell_of(one.frequency)] += 1
        self.money[cell_of(one.money)] += 1

    @property
    def people(self) -> int:
        """How many customers there are in all."""
        return self.recency.total()

    def borders(self) -> Borders | None:
        """Between fifths of the customers; ``None`` if they are too few.

        Who is alike is in one fifth, the better one.
        """
        if self.people < PEOPLE_MIN:
            return None
        return Borders(
            [1 + amount for amount in _fifths(self.recency, -1)],
            [max(1, amount) for amount in _fifths(self.frequency)],
            [max(1, amount) for amount in _fifths(self.money)],
        )


def _fifths(counts: Counter[int], before: int = 0) -> list[int]:
    """The amounts of those with whom fifths begin, or of those before them, in rising order."""
    people, found, passed = counts.total(), list[int](), 0
    places = [people * number // BEST + before for number in range(1, BEST)]
    for amount in sorted(counts):
        passed += counts[amount]
        while places and places[0] < passed:
            places.pop(0)
            found.append(amount)
    return found
