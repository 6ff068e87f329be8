# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

from stream.engine.model.ruleset import EarningRule
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds.first_time import FIRST_TIME
from stream.engine.points.kinds.kind import Before
from tests.engine.build import login

RULE = EarningRule("welcome", Touchpoint.LOGIN, 7, first_time=True)


def test_a_campaign_makes_it_no_more() -> None:
    assert FIRST_TIME.earn(RULE, login(), Fraction(3)) == 7
    assert not FIRST_TIME.multiplied


def test_it_is_granted_once_however_often_there_is_a_first_day() -> None:
    assert FIRST_TIME.once
    assert FIRST_TIME.grant(RULE, 21, Before()) == 7
    assert FIRST_TIME.grant(RULE, 21, Before(lifetime=7)) == 0
