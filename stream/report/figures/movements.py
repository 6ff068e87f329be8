# SPDX-License-Identifier: Apache-2.0
"""Movements of points by day, from the ledger of one partition, in its order.

A day is that of the engine's decision. Transfers are left out: they add up to nothing.
"""

from __future__ import annotations

from typing import Final

from stream.engine.model.calendar import day_of
from stream.report.figures.counts import Counts, Key
from stream.report.figures.events import Told
from stream.report.figures.periods import day_name

#: Kind of entry -> measure, and the sign that makes it a number of points.
MEASURES: Final = {
    "accrual": ("granted", 1),
    "clawback": ("clawed_back", -1),
    "expiry": ("expired", -1),
    "payout": ("paid", -1),
    "payout_correction": ("corrected", 1),
}
#: Points of people who were erased name no rule.
FORGOTTEN: Final = "forgotten"


class Movements:
    """Adds entries up. Who has counted is remembered for one day: a partition's time only rises."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._day = -1
        self._counted: set[tuple[Key, str]] = set()

    def add(self, entry: Told) -> None:
        """Add one entry, unless it is a transfer."""
        measure, sign = MEASURES.get(entry.data["kind"], ("", 0))
        if not measure:
            return
        if (day := day_of(entry.as_of)) > self._day:
            self._day, self._counted = day, set()
        points = sign * entry.data["points"]
        self._count(("movements", day_name(day), measure), points, entry.consumer)
        if measure not in ("paid", "corrected"):
            rule = entry.data.get("rule") or FORGOTTEN
            key = ("movements_by_rule", day_name(day), rule, measure)
            self._count(key, points, entry.consumer)

    def _count(self, key: Key, points: int, consumer: str) -> None:
        known = (key, consumer) in self._counted
        self._counted.add((key, consumer))
        self.counts.add(key, points, 0 if known else 1)
