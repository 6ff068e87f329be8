from __future__ import annotations

import pytest

from stream.engine.model.calendar import first_day_of
from stream.engine.model.ruleset import Caps, RuleBook
from stream.engine.model.state import ArchivedTotals
from stream.engine.points.caps import NOTHING_USED, Limiter, Used, capped, used_up
from stream.engine.points.kinds.kind import Before
from tests.support.books import GOALS

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


def test_rules_are_coupled_by_groups_of_any_version() -> None:
    together = {name for name, by in GOALS.coupled.items() if by == GOALS.coupled["visit"]}
    assert together == {"visit", "often", "settles", "row", "cake"}
    assert GOALS.coupled["browse"] == GOALS.coupled["welcome"] != GOALS.coupled["visit"]
