# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.kind import State
from stream.engine.points.kinds.milestone import EVERY_FEN, NTH
from tests.engine.build import purchase


def play(days: list[tuple[int, int]], **settings: int) -> tuple[State, list[int]]:
    rule = EarningRule("r", Touchpoint.PURCHASE, 10, settings=settings)
    state: State = ()
    granted = []
    kind = NTH if "nth" in settings else EVERY_FEN
    assert kind.memory is not None
    for day, number in days:
        state, points = kind.memory.play(rule, state, day, number)
        granted.append(points)
    return state, granted


def test_money_counts_as_the_payer_paid_it() -> None:
    rule = EarningRule("r", Touchpoint.PURCHASE, 10, settings={"every_fen": 500})
    assert EVERY_FEN.earn(rule, purchase(fen=700), Fraction(9)) == 700
    assert NTH.earn(rule, purchase(fen=700), Fraction(9)) == 1


@pytest.mark.parametrize(
    ("days", "settings", "granted"),
    [
        ([(1, 1), (5, 1), (6, 1)], {"nth": 3}, [0, 0, 10]),
        ([(1, 2), (31, 1)], {"nth": 3, "within_days": 31}, [0, 10]),
        ([(1, 2), (31, 1)], {"nth": 3, "within_days": 30}, [0, 0]),
        ([(1, 7)], {"nth": 3}, [20]),  # of which one is left
        ([(1, 7), (2, 2)], {"nth": 3}, [20, 10]),
        ([(1, 7), (2, 2)], {"nth": 3, "within_days": 1}, [20, 0]),
        ([(1, 49_999), (30, 1)], {"every_fen": 50_000, "within_days": 30}, [0, 10]),
        ([(1, 120_000), (30, 30_000)], {"every_fen": 50_000, "within_days": 30}, [20, 10]),
    ],
)
def test_what_is_used_does_not_count_again(
    days: list[tuple[int, int]], settings: dict[str, int], granted: list[int]
) -> None:
    assert play(days, **settings)[1] == granted


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=20), st.integers(2, 9))
def test_what_is_remembered_is_less_than_what_makes_points(
    steps: list[tuple[int, int]], nth: int
) -> None:
    day, days = 0, []
    for ahead, number in steps:
        day += ahead
        days.append((day, number))
    state, granted = play(days, nth=nth)
    assert sum(granted) == sum(number for _, number in days) // nth * 10
    assert len(state) <= 2
    windowed, fewer = play(days, nth=nth, within_days=4)
    assert sum(windowed[1::2]) < nth
    assert sum(fewer) <= sum(granted)
