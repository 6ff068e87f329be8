# SPDX-License-Identifier: Apache-2.0
"""Collect an account's purchases by Shanghai day.

Those count that are applied, or a member's, and of which something was not given back. A refund
counts on the day of its purchase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.page import Column, Mask, Page

#: A purchase: time (ms), 1, and fen paid. Of an archived day: its begin, how many, and their fen.
Purchase = tuple[int, int, int]
NUMBER: Final[Literal[1]] = 1  # the place of either in a purchase, and in a day
FEN: Final[Literal[2]] = 2
By = Literal[1, 2]


class Day(NamedTuple):
    """What was bought on a day, by time."""

    day: int
    number: int
    fen: int
    purchases: list[Purchase]


class Counting(NamedTuple):
    """Time cut where the outcome of a purchase may change, and in which stretches it counts."""

    cuts: Column  # ms, rising
    counts: Mask  # one more than cuts


def bought(
    pages: Iterable[Page],
    odd: Iterable[tuple[int, int]],
    archived: Iterable[Mapping[int, list[int]]],
    counting: Counting,
) -> list[Day]:
    """The days with purchases. ``odd``: time (ms) and fen of those which stand apart and count."""
    found: list[Purchase] = [(time, 1, fen) for time, fen in odd]
    for days in archived:
        found += [(start_of(day), number, fen) for day, (number, fen) in days.items()]
    for page in pages:
        if page.rows and (paid := page.paid()) is not None:
            times, fens = paid
            if not counting.counts.all():
                counted = counting.counts[np.searchsorted(counting.cuts, times, "right")]
                times, fens = times[counted], fens[counted]
            found += [(time, 1, fen) for time, fen in zip(times.tolist(), fens.tolist())]  # noqa: B905
    found.sort()
    return _by_day(found)


def _by_day(purchases: list[Purchase]) -> list[Day]:
    days: list[Day] = []
    today: list[Purchase] = []
    number = fen = 0
    day = ends = 0
    for purchase in purchases:
        if purchase[0] >= ends:
            if today:
                days.append(Day(day, number, fen, today))
            day = day_of(purchase[0])
            ends, today, number, fen = start_of(day + 1), [], 0, 0
        today.append(purchase)
        number += purchase[NUMBER]
        fen += purchase[FEN]
    if today:
        days.append(Day(day, number, fen, today))
    return days
