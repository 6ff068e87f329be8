# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

import pytest

from stream.engine.model.ruleset import EarningRule, Rate, Rounding
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.rate import RATE
from stream.engine.points.kinds.rounding import ONE
from tests.engine.build import login, purchase


@pytest.mark.parametrize(
    ("rounding", "multiplier", "points"),
    [
        (Rounding.DOWN, ONE, 14),
        (Rounding.UP, ONE, 15),
        (Rounding.HALF_UP, ONE, 15),
        (Rounding.DOWN, Fraction(2), 29),
    ],
)
def test_it_is_rounded_once_after_the_campaign(
    rounding: Rounding, multiplier: Fraction, points: int
) -> None:
    rule = EarningRule("spend", Touchpoint.PURCHASE, rate=Rate(Fraction(3, 2), rounding=rounding))
    assert RATE.earn(rule, purchase(fen=995), multiplier) == points


def test_without_an_amount_it_earns_nothing() -> None:
    rule = EarningRule("spend", Touchpoint.LOGIN, rate=Rate(Fraction(3, 2)))
    assert RATE.earn(rule, login(), ONE) == 0
