# SPDX-License-Identifier: Apache-2.0
"""When sums over a window reach a border, and when a purchase has become so many days old.

A purchase of day d leaves a window of n days at the midnight with which day d + n begins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from stream.engine.model.calendar import start_of
from stream.engine.points.classes.bought import By, Day

_NEVER: Final = 2**31


class Change(NamedTuple):
    """From ``instant`` (ms) on there is another value; events from ``cut`` on are judged by it.

    What is bought changes nothing for what happens in the same millisecond; a midnight does.
    """

    cut: int
    instant: int
    value: Any


def risen(time: int, value: Any) -> Change:
    """By a purchase."""
    return Change(time + 1, time, value)


def fallen(day: int, value: Any) -> Change:
    """With the beginning of a day."""
    midnight = start_of(day)
    return Change(midnight, midnight, value)


def reached(
    days: Sequence[Day], leaves: Sequence[int], borders: Sequence[int], by: By
) -> list[Change]:
    """How many borders are reached by the sum (of ``by``) of all that has not left.

    ``leaves``: with which day each of the days leaves; never earlier than one before.
    """
    found: list[Change] = []
    total = number = left = 0
    top = len(borders)
    for place in range(len(days) + 1):
        here = days[place] if place < len(days) else None
        until = here.day if here else _NEVER
        while left < place and leaves[left] <= until:
            at = leaves[left]
            while left < place and leaves[left] == at:
                total -= days[left][by]
                left += 1
            if number and total < borders[number - 1]:
                number = bisect_right(borders, total)
                found.append(fallen(at, number))
        if here is None:
            break
        more: int = here[by]
        if number == top or total + more < borders[number]:
            total += more
            continue
        for purchase in here.purchases:
            total += purchase[by]
            if number < top and total >= borders[number]:
                number = bisect_right(borders, total)
                found.append(risen(purchase[0], number))
    return found


def aged(days: Sequence[Day], borders: Sequence[int]) -> list[Change]:
    """How many borders (in days, rising) have passed since the last purchase."""
    found: list[Change] = []
    passed = -1
    for place, here in enumerate(days):
        if passed:
            passed = 0
            found.append(risen(here.purchases[0][0], 0))
        until = days[place + 1].day if place + 1 < len(days) else _NEVER
        for number, border in enumerate(borders, 1):
            if here.day + border > until:
                break
            passed = number
            found.append(fallen(here.day + border, number))
    return found
