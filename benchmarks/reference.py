# SPDX-License-Identifier: Apache-2.0
"""What the events must come to: the job once more in dictionaries, for any order of arrival."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from benchmarks.events import (
    CHECK_IN,
    DAY_MS,
    FOLLOW,
    LOGIN,
    PAGE,
    PAYMENT,
    PRODUCT,
    REFUND,
    Event,
    consumer_of,
)

THRESHOLD: Final = 1000
#: kind -> points, most points a day
_FIXED: Final = {LOGIN: (5, 5), PAGE: (1, 10), PRODUCT: (2, 20), CHECK_IN: (100, 200)}
_PURCHASE_CAP: Final = 500
_CAPS: Final = {kind: cap for kind, (_, cap) in _FIXED.items()} | {PAYMENT: _PURCHASE_CAP}


class Reference:
    """Balances after any number of events; an owner is what ``consumer_of`` takes."""

    def __init__(self) -> None:
        self._bound: set[int] = set()
        self._cells: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
        self._balances: dict[int, int] = {}

    def add(self, event: Event) -> tuple[int, int] | None:
        """Take an event in; whose balance it changed, and what that is now."""
        origin = event.origin
        person = -1 - (origin >> 1)
        if event.claim and origin not in self._bound:
            self._bound.add(origin)
            for cell, points in self._cells.pop(origin, {}).items():
                self._move(person, cell, points)
            self._balances.pop(origin, None)
        owner = person if origin in self._bound else origin
        if event.kind == FOLLOW:
            return None
        before = self._balances.get(owner, 0)
        self._move(owner, *_points(event))
        after = self._balances[owner]
        return (owner, after) if after != before else None

    def _move(self, owner: int, cell: tuple[int, int], points: int) -> None:
        cells, cap = self._cells[owner], _CAPS[cell[0]]
        before = cells.get(cell, 0)
        cells[cell] = before + points
        change = min(cap, before + points) - min(cap, before)
        self._balances[owner] = self._balances.get(owner, 0) + change

    def result(self) -> tuple[dict[str, int], dict[str, int]]:
        """Balances other than 0, and points of live offers, by consumer id."""
        balances = {consumer_of(o): points for o, points in self._balances.items() if points}
        offers = {who: points for who, points in balances.items() if points >= THRESHOLD}
        return balances, offers


def _points(event: Event) -> tuple[tuple[int, int], int]:
    if event.kind == REFUND:
        left = event.paid_fen - event.fen
        return (PAYMENT, _day(event.paid_ms)), left // 10 - event.paid_fen // 10
    if event.kind == PAYMENT:
        return (PAYMENT, _day(event.time_ms)), event.fen // 10  # 10 points a yuan
    return (event.kind, _day(event.time_ms)), _FIXED[event.kind][0]


def _day(time_ms: int) -> int:
    return (time_ms + 8 * 3_600_000) // DAY_MS
