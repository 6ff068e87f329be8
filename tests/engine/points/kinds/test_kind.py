"""What every kind of earning rule has to keep to."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stream.engine.model.ruleset import EarningRule, Rate
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.kinds import KINDS, kind_of
from stream.engine.points.kinds.fixed import FIXED
from stream.engine.points.kinds.kind import Before, Kind
from tests.engine.build import purchase

#: A rule of each kind; a new kind adds one.
RULES = {
    "fixed": EarningRule("r", Touchpoint.PURCHASE, 7),
    "rate": EarningRule("r", Touchpoint.PURCHASE, rate=Rate(Fraction(1))),
    "first_time": EarningRule("r", Touchpoint.PURCHASE, 7, first_time=True),
}


def test_every_kind_has_a_rule_here_and_is_found_by_it() -> None:
    assert {name: kind_of(rule).name for name, rule in RULES.items()} == {
        kind.name: kind.name for kind in KINDS
    }


def test_the_last_kind_fits_every_rule() -> None:
    assert KINDS[-1] is FIXED
    assert all(FIXED.fits(rule) for rule in RULES.values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_earned_and_granted_is_never_negative(kind: Kind) -> None:
    rule = RULES[kind.name]
    for fen in (0, 1, 100_000):
        points = kind.earn(rule, purchase(fen=fen), Fraction(3, 2))
        assert points >= 0
        for before in (Before(), Before(1, 2, 3), Before(state=1)):
            assert 0 <= kind.grant(rule, points, before) <= points


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_state_begins_again_with_each_month(kind: Kind) -> None:
    """The month before may be archived."""
    rule, march, april = RULES[kind.name], 20_513, 20_544  # the first days
    fresh = kind.carry(rule, 0, -1, april)
    assert kind.carry(rule, 9, april - 1, april) == kind.carry(rule, 9, march, april) == fresh


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_settings_of_kinds_differ_in_name(kind: Kind) -> None:
    others = {name for other in KINDS if other is not kind for name in other.settings}
    assert not others & kind.settings.keys()
    assert all(0 <= setting.least <= setting.most for setting in kind.settings.values())
