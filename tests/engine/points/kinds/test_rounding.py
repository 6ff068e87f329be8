# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.ruleset import Rounding
from stream.engine.points.kinds.rounding import round_points

DOWN, HALF_UP, UP = Rounding.DOWN, Rounding.HALF_UP, Rounding.UP


@pytest.mark.parametrize(
    ("exact", "down", "half_up", "up"),
    [
        ("0", 0, 0, 0),
        ("1/1000000", 0, 0, 1),
        ("0.49", 0, 0, 1),
        ("0.5", 0, 1, 1),
        ("0.51", 0, 1, 1),
        ("1", 1, 1, 1),
        ("2.5", 2, 3, 3),
        ("3.5", 3, 4, 4),
        ("1/3", 0, 0, 1),
        ("9007199254740993.5", 9007199254740993, 9007199254740994, 9007199254740994),
    ],
)
def test_rounding(exact: str, down: int, half_up: int, up: int) -> None:
    value = Fraction(exact)
    assert [round_points(value, r) for r in (DOWN, HALF_UP, UP)] == [down, half_up, up]


@given(st.fractions(min_value=0, max_value=10**9), st.sampled_from(Rounding))
def test_rounding_moves_by_less_than_a_point(exact: Fraction, rounding: Rounding) -> None:
    assert abs(round_points(exact, rounding) - exact) < 1
    assert round_points(Fraction(int(exact)), rounding) == int(exact)
