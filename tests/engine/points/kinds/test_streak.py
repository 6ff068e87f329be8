# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.calendar import first_day_of
from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.kind import State
from stream.engine.points.kinds.streak import STREAK_DAYS, STREAK_WEEKS

#: 2026-06-01, a Monday.
MONDAY = first_day_of(2026 * 12 + 5)


def granted_on(days: list[int], **settings: int) -> list[int]:
    kind = STREAK_WEEKS if "streak_weeks" in settings else STREAK_DAYS
    rule = EarningRule("r", Touchpoint.PURCHASE, 10, settings=settings)
    assert kind.memory is not None
    state: State = ()
    on = []
    for day in days:
        state, points = kind.memory.play(rule, state, MONDAY + day, 3)
        on += [day] * bool(points)
    return on


@pytest.mark.parametrize(
    ("days", "settings", "expected"),
    [
        ([0, 1, 2], {"streak_days": 3}, [2]),
        ([0, 1, 3, 4], {"streak_days": 3}, []),
        ([0, 1, 3], {"streak_days": 3, "grace": 1}, [3]),
        ([0, 2, 4, 5], {"streak_days": 3, "grace": 1}, []),  # one day of grace for all of it
        ([0, 2, 4, 5, 6], {"streak_days": 3, "grace": 1}, [6]),
        ([0, 1, 2, 3, 4, 5], {"streak_days": 3}, [2, 5]),
        ([0, 1, 2, 3, 4], {"streak_days": 3}, [2]),
        ([0, 1, 1, 2, 2, 3], {"streak_days": 2}, [1, 3]),  # a day of two versions counts once
        ([6, 7], {"streak_weeks": 2}, [7]),  # Sunday and Monday
        ([0, 6, 14], {"streak_weeks": 2}, []),
        ([0, 14], {"streak_weeks": 2, "grace": 1}, [14]),
        ([0, 7, 9, 14], {"streak_weeks": 2}, [7]),  # what is left of a week begins no streak
    ],
)
def test_a_streak(days: list[int], settings: dict[str, int], expected: list[int]) -> None:
    assert granted_on(days, **settings) == expected


@pytest.mark.parametrize(("day", "done"), [(1, 2), (2, 2), (3, 0)])
def test_the_day_after_the_last_one_is_not_over(day: int, done: int) -> None:
    rule = EarningRule("r", Touchpoint.PURCHASE, 10, settings={"streak_days": 5})
    assert STREAK_DAYS.memory is not None
    state, _ = STREAK_DAYS.memory.play(rule, (1, 0, MONDAY), MONDAY + 1, 1)
    assert STREAK_DAYS.memory.progress(rule, state, MONDAY + day) == (done, 5)
