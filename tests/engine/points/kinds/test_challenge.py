# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.ruleset import EarningRule, Step
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.challenge import CHALLENGE
from stream.engine.points.kinds.kind import State

STEPS = tuple(Step(t) for t in (Touchpoint.PURCHASE, Touchpoint.LOGIN, Touchpoint.UPLOAD))
A, B, C = 1, 2, 4


@pytest.mark.parametrize(
    ("days", "settings", "expected"),
    [
        ([(1, A), (5, B), (9, C)], {}, [9]),
        ([(1, A), (5, A | B), (9, C), (10, B), (11, A)], {}, [9]),
        ([(1, A), (7, B | C)], {"within_days": 7}, [7]),
        ([(1, A), (8, B | C)], {"within_days": 7}, []),
        ([(1, A), (8, B), (9, A)], {"within_days": 7, "needed": 2}, [9]),
        ([(1, A | B | C), (1, A | B | C), (2, A | B | C)], {}, [1, 2]),  # once a day
    ],
)
def test_a_challenge(
    days: list[tuple[int, int]], settings: dict[str, int], expected: list[int]
) -> None:
    rule = EarningRule("r", None, 10, settings=settings, steps=STEPS)
    assert CHALLENGE.memory is not None
    state: State = ()
    granted = []
    for day, steps in days:
        state, points = CHALLENGE.memory.play(rule, state, day, steps)
        granted += [day] * bool(points)
    assert granted == expected


def test_a_version_with_more_steps_begins_anew() -> None:
    rule = EarningRule("r", None, 10, steps=STEPS)
    assert CHALLENGE.memory is not None
    assert CHALLENGE.memory.play(rule, (-1, 1, 1), 2, C) == ((-1, -1, -1, 2), 0)
