# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.fixed import FIXED
from stream.engine.points.kinds.kind import Before
from stream.engine.points.kinds.rounding import ONE
from tests.engine.build import login

RULE = EarningRule("visit", Touchpoint.LOGIN, 7)


def test_each_touch_earns_the_same_and_campaigns_multiply_it_rounded_down() -> None:
    assert FIXED.earn(RULE, login(), ONE) == 7
    assert FIXED.earn(RULE, login(), Fraction(3, 2)) == 10


def test_a_day_grants_all_of_it() -> None:
    assert FIXED.grant(RULE, 21, Before(7, 7, 7)) == 21
