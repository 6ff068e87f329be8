# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.classes import (
    UNCLASSED,
    ClassPolicy,
    Downgrade,
    Level,
    Rfm,
    Tag,
    Test,
    Tiers,
    fits,
)

MEI = {"tier": "gold", "lifecycle": "active", "rfm": "541", "tags": ("vip", "regular")}


@pytest.mark.parametrize(
    ("key", "values", "holds"),
    [
        ("tier", "gold platinum", True),
        ("tier", "bronze", False),
        ("lifecycle", "active", True),
        ("rfm", "541", True),
        ("r", "5", True),
        ("f", "5 1", False),
        ("m", "1", True),
        ("tags", "vip", True),
        ("tags", "new vip", True),
        ("tags", "new", False),
    ],
)
def test_a_test_holds_or_its_opposite(key: str, values: str, holds: bool) -> None:
    for negated in (False, True):
        assert Test(key, frozenset(values.split()), negated).holds(MEI) is (holds is not negated)


def test_all_tests_must_hold_and_nobody_has_scores_without_purchases() -> None:
    high = Test("r", frozenset("45"))
    assert fits((), UNCLASSED)
    assert fits((high, Test("tier", frozenset({"gold"}))), MEI)
    assert not fits((high,), UNCLASSED)


def test_levels_and_borders_rise_however_they_are_written() -> None:
    tiers = Tiers((Level("gold", 20), Level("bronze", 10)))
    assert (tiers.borders, tiers.place("gold"), tiers.place("")) == ((10, 20), 2, 0)
    assert Rfm((9, 30, 7, 100), (2, 1, 3, 4), (1, 2, 3, 4)).r == (7, 9, 30, 100)


def test_how_long_a_purchase_matters() -> None:
    levels = Level("bronze", 10), Level("gold", 20)
    assert Tiers(levels, 30, 5, 2).days == 30 + 2 * 7
    assert Tiers(levels, 0, 5, 2, Downgrade.TO_SPEND).days == 366 + 7
    assert ClassPolicy().days == 0


def test_tags_are_names_for_classes() -> None:
    gold = Tag("vip", (Test("tier", frozenset({"gold"})),))
    policy = ClassPolicy(Tiers((Level("gold", 20),)), tags=(gold,))
    assert policy.classes(1, "", "")["tags"] == ("vip",)
    assert policy.classes(0, "", "")["tags"] == ()
    assert policy.classes(1, "", "") is policy.classes(1, "", "")
