# SPDX-License-Identifier: Apache-2.0
"""What every kind of earning rule has to keep to."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from stream.engine.model.ruleset import EarningRule, Rate, Step
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds import KINDS, kind_of
from stream.engine.points.kinds.fixed import FIXED
from stream.engine.points.kinds.kind import Before, Kind, State
from stream.rules.model import KIND_SETTINGS
from tests.engine.build import purchase

#: A rule of each kind; a new kind adds one.
RULES = {
    "fixed": EarningRule("r", Touchpoint.PURCHASE, 7),
    "rate": EarningRule("r", Touchpoint.PURCHASE, rate=Rate(Fraction(1))),
    "first_time": EarningRule("r", Touchpoint.PURCHASE, 7, first_time=True),
    "nth": EarningRule("r", Touchpoint.PURCHASE, 7, settings={"nth": 2}),
    "every_fen": EarningRule("r", Touchpoint.PURCHASE, 7, settings={"every_fen": 200}),
    "streak_days": EarningRule("r", Touchpoint.PURCHASE, 7, settings={"streak_days": 2}),
    "streak_weeks": EarningRule("r", Touchpoint.PURCHASE, 7, settings={"streak_weeks": 2}),
    "challenge": EarningRule("r", None, 7, steps=(Step(Touchpoint.PURCHASE),) * 2),
}


def test_every_kind_has_a_rule_here_and_is_found_by_it() -> None:
    assert {name: kind_of(rule).name for name, rule in RULES.items()} == {
        kind.name: kind.name for kind in KINDS
    }


def test_campaigns_multiply_what_each_touch_earns_by_itself() -> None:
    for rule in RULES.values():
        assert rule.is_multiplied == kind_of(rule).multiplied


def test_the_last_kind_fits_every_rule() -> None:
    assert KINDS[-1] is FIXED
    assert all(FIXED.fits(rule) for rule in RULES.values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_earned_and_granted_is_never_negative(kind: Kind) -> None:
    rule = RULES[kind.name]
    for fen in (0, 1, 100_000):
        points = kind.earn(rule, purchase(fen=fen), Fraction(3, 2))
        assert points >= 0
        for before in (Before(), Before(1, 2, 3)):
            assert 0 <= kind.grant(rule, points, before) <= points


@pytest.mark.parametrize("kind", [k for k in KINDS if k.memory], ids=lambda kind: kind.name)
def test_progress_grows_until_points_are_granted_and_ends_with_the_days(kind: Kind) -> None:
    """Of a rule with a memory: a day after another, twice as much as makes points."""
    rule, day = RULES[kind.name], 20_513
    state: State = ()
    assert kind.memory is not None
    rule = replace(rule, settings={**(rule.settings or {}), "within_days": 9})
    step = 7 if kind.name == "streak_weeks" else 1
    worth = 100 if kind.name == "every_fen" else 1
    granted = []
    for number in range(4):
        on = day + number * step
        one = 1 << number % 2 if kind.name == "challenge" else worth
        state, points = kind.memory.play(rule, state, on, one)
        granted.append(points)
        done, of = kind.memory.progress(rule, state, on)
        assert done * 2 == of * (number % 2 == 0)
    assert granted == [0, 7, 0, 7]
    assert kind.memory.progress(rule, state, on + 100).done == 0


def test_a_setting_which_kinds_share_has_the_same_limits_in_each() -> None:
    for kind in KINDS:
        for name, setting in kind.settings.items():
            assert KIND_SETTINGS[name] == setting
            assert 0 <= setting.least <= setting.most
