# SPDX-License-Identifier: Apache-2.0
"""Rule kinds ``streak_days`` and ``streak_weeks``: points for so many days or weeks in a row.

Only days with a touch count, and each counts once. A streak outlives ``grace`` days (weeks) without
one, all in all; after the points it begins anew. A week begins on Monday. A day which is not over
yet breaks nothing: all follows from the days on which there was something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stream.engine.model.calendar import week_of
from stream.engine.model.ruleset import EarningRule
from stream.engine.points.kinds.kind import (
    Kind,
    Memory,
    Progress,
    Setting,
    State,
    count_one,
)

#: Of a streak: how many there are, how many were missed, and the last one.
_NONE: Final = (0, 0, 0)


def _streak(name: str, unit_of: Callable[[int], int], most: int) -> Kind:
    def play(rule: EarningRule, state: State, day: int, number: int) -> tuple[State, int]:
        length, missed, last = state or _NONE
        unit = unit_of(day)
        if state and unit == last:
            return state, 0
        missed += unit - last - 1
        if length == 0 or missed > rule.setting("grace"):
            length = missed = 0
        if length + 1 < rule.setting(name):
            return (length + 1, missed, unit), 0
        return (0, 0, unit), rule.points or 0

    def progress(rule: EarningRule, state: State, day: int) -> Progress:
        length, missed, last = state or _NONE
        alive = missed + unit_of(day) - last - 1 <= rule.setting("grace")
        return Progress(length if alive else 0, rule.setting(name))

    return Kind(
        name,
        mark=name,
        fits=lambda rule: rule.setting(name) > 0,
        earn=count_one,
        memory=Memory(play, progress),
        multiplied=False,
        settings={name: Setting(2, most), "grace": Setting(1, 7)},
    )


STREAK_DAYS: Final = _streak("streak_days", lambda day: day, 366)
STREAK_WEEKS: Final = _streak("streak_weeks", week_of, 53)
