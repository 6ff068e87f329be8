# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from stream.engine.model.calendar import first_day_of
from stream.engine.model.ruleset import Campaign, Caps, EarningRule, RuleBook, RuleSet
from stream.engine.model.state import ArchivedTotals
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.caps import NOTHING_USED, Limiter, Used, capped, used_up
from stream.engine.points.kinds.kind import Before
from tests.support.books import GOALS, LIMITED, START

#: 2026-06-01, a Monday.
JUNE = first_day_of(2026 * 12 + 5)


@pytest.mark.parametrize(
    ("caps", "left"),
    [
        (Caps(), 50),
        (Caps(day=30), 29),
        (Caps(week=30), 28),
        (Caps(month=30), 27),
        (Caps(lifetime=30), 26),
        (Caps(day=1, week=60), 0),
        (Caps(lifetime=3), 0),
    ],
)
def test_the_cap_with_the_least_room_holds(caps: Caps, left: int) -> None:
    assert capped(caps, 50, Before(1, 2, 3, 4)) == left


def test_days_weeks_and_months_begin_anew_each_by_itself() -> None:
    limiter = Limiter("r", NOTHING_USED)
    seen = []
    for day in (JUNE - 1, JUNE, JUNE, JUNE + 1, JUNE + 7, JUNE + 30):
        seen.append(limiter.at(day))
        limiter.use(10)
    assert seen == [
        (0, 0, 0, 0), (0, 0, 0, 10), (10, 10, 10, 20), (0, 20, 20, 30), (0, 0, 30, 40),
        (0, 0, 0, 50),
    ]  # fmt: skip


def test_what_is_archived_counts_for_the_rule_and_for_its_group_then() -> None:
    totals = ArchivedTotals(
        granted={"visit@1": 5, "often@1": 7, "row@1": 3, "row@2": 4, "gone@9": 1},
        in_week={"visit@1": {8: 2}, "often@1": {8: 1}},
    )
    used = used_up([totals, totals], GOALS)
    assert used == Used(
        {"visit": 10, "often": 14, "row": 14, "gone": 2, "+coming": 32},
        {"visit": (8, 4), "often": (8, 2), "+coming": (8, 6)},
    )
    assert Limiter("visit", used).at(1) == (0, 0, 0, 10)
    assert used_up([], RuleBook(())) == NOTHING_USED


def test_what_a_campaign_added_counts_for_its_rule_too() -> None:
    totals = ArchivedTotals(granted={"spend@1": 5, "spend*spree@1": 7, "visit*spree@1": 2})
    used = used_up([totals], LIMITED)
    assert used.lifetime == {"spend": 12, "visit": 2, "*spree": 9, "+coming": 2}


def test_what_a_campaign_adds_is_coupled_with_what_has_a_cap_in_common() -> None:
    visit, more = (EarningRule(name, Touchpoint.CHECK_IN, 5) for name in ("visit", "more"))
    double = Campaign("double", START, None, Fraction(2), frozenset({"visit"}), caps=Caps(day=9))
    first = RuleSet(1, START, {"visit": visit, "more": more}, (double,))
    assert RuleBook((first,)).coupled == {}
    unlimited = replace(double, rules=None, caps=Caps(), budget=5)  # not for one consumer
    assert RuleBook((replace(first, campaigns=(unlimited,)),)).coupled == {}
    both = replace(first, version=2, campaigns=(replace(double, rules=None),))
    assert {*RuleBook((first, both)).coupled} == {"visit*double", "more*double"}
    capped_rule = replace(first, rules={"visit": replace(visit, caps=Caps(week=7)), "more": more})
    assert {*RuleBook((first, capped_rule)).coupled} == {"visit", "visit*double"}


def test_rules_are_coupled_by_groups_of_any_version() -> None:
    together = {name for name, by in GOALS.coupled.items() if by == GOALS.coupled["visit"]}
    assert together == {"visit", "often", "settles", "row", "cake"}
    assert GOALS.coupled["browse"] == GOALS.coupled["welcome"] != GOALS.coupled["visit"]
