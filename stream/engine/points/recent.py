# SPDX-License-Identifier: Apache-2.0
"""Find when a consumer did lately what nudges wait for: the last touch of each day.

What counts is applied, or a member's, and was not taken back.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np

from stream.engine.model.calendar import day_of
from stream.engine.model.page import Page
from stream.engine.points.classes.bought import Counting

#: Touchpoint -> times (ms), rising: the last of each day.
Recent = dict[int, list[int]]


def recent_touches(
    pages: Iterable[Page],
    apart: Iterable[tuple[int, int]],
    counting: Counting,
    wanted: Mapping[int, int],
    as_of: int,
) -> tuple[Recent, int | None]:
    """What there was until ``as_of`` (ms), and when something comes that is ahead of the clock.

    ``apart``: touchpoint and time of the touches which stand apart and count.
    """
    found: dict[int, list[int]] = {touchpoint: [] for touchpoint in wanted}
    for touchpoint, time in apart:
        if touchpoint in found:
            found[touchpoint].append(time)
    for page in pages:
        kinds = {n: t for n, (t, _) in enumerate(page.kinds) if t in wanted}
        if not page.rows or not kinds:
            continue
        times, numbers = page.columns()
        counted = counting.counts[np.searchsorted(counting.cuts, times, "right")]
        for number, touchpoint in kinds.items():
            found[touchpoint] += times[counted & (numbers == number)].tolist()
    ahead = [time for times in found.values() for time in times if time > as_of]
    recent = {
        touchpoint: trimmed(sorted(time for time in times if time <= as_of), wanted, touchpoint)
        for touchpoint, times in found.items()
        if times
    }
    return recent, min(ahead, default=None)


def note(recent: Recent, touchpoint: int, time: int, wanted: Mapping[int, int]) -> None:
    """Add one touch more, if its touchpoint is wanted."""
    if touchpoint in wanted:
        times = recent.setdefault(touchpoint, [])
        insort(times, time)
        recent[touchpoint] = trimmed(times, wanted, touchpoint)


def trimmed(times: list[int], wanted: Mapping[int, int], touchpoint: int) -> list[int]:
    """The last time, and the last of each day as far as days matter before that."""
    if not times:
        return times
    since = times[-1] - wanted[touchpoint]
    return last_of_days(time for time in times if time >= since)


def last_of_days(times: Iterable[int]) -> list[int]:
    """The last of the times (ms, rising) of each day."""
    return [[*day][-1] for _, day in groupby(times, day_of)]
