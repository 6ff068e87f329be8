# SPDX-License-Identifier: Apache-2.0
"""Levels of a tier: reached by net spend within a window, and held for some time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from stream.engine.model.calendar import day_of
from stream.engine.model.classes import Downgrade, Tiers
from stream.engine.points.classes.bought import FEN, Day
from stream.engine.points.classes.changes import Change, fallen, reached

_EPOCH = date(1970, 1, 1)


def levels(days: Sequence[Day], tiers: Tiers) -> list[Change]:
    """The level, counted from 1; 0 is none."""
    return _held(reached(days, leaving(days, tiers), tiers.borders, FEN), tiers)


def leaving(days: Sequence[Day], tiers: Tiers) -> list[int]:
    """With which day each day's purchases stop to count."""
    return [leaving_day(here.day, tiers) for here in days]


def leaving_day(day: int, tiers: Tiers) -> int:
    """With which day purchases of a day stop to count."""
    return day + tiers.window_days if tiers.window_days else _next_year(day)


@lru_cache(maxsize=4096)
def _next_year(day: int) -> int:
    """The first day of the year after a day's."""
    return (date((_EPOCH + timedelta(days=day)).year + 1, 1, 1) - _EPOCH).days


def _held(spent: list[Change], tiers: Tiers) -> list[Change]:
    """``spent``: the level that the spend reaches. It falls behind at midnights only."""
    keeps = tiers.hold_days + tiers.grace_days
    if not keeps:
        return spent
    found: list[Change] = []
    level, falls = 0, 0  # and the day on which it falls; 0: not to be expected
    for place in range(len(spent) + 1):
        here = spent[place] if place < len(spent) else None
        while falls and (here is None or fallen(falls, 0).cut < here.cut):
            before = spent[:place]
            level, lost = _next(level, falls, before, tiers)
            found.append(fallen(falls, level))
            falls = lost + keeps if lost else 0
        if here is None:
            break
        if here.value >= level:
            falls = 0
            if here.value > level:
                level = here.value
                found.append(here)
        elif not falls:
            falls = day_of(here.instant) + keeps
    return found


def _next(level: int, day: int, spent: list[Change], tiers: Tiers) -> tuple[int, int]:
    """The level from a day on, and the day on which the spend fell behind it; 0: it has not."""
    now = spent[-1].value
    if tiers.downgrade is Downgrade.ONE_DOWN:
        return level - 1, day if now < level - 1 else 0
    since = fallen(day - tiers.hold_days, 0).cut
    top = now
    for place in range(len(spent) - 1, -1, -1):
        top = max(top, spent[place].value)
        if spent[place].instant <= since:
            break
    lost = 0
    for change in spent:
        lost = 0 if change.value >= top else lost or day_of(change.instant)
    return top, lost
