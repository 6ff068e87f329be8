# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.classes import Lifecycle
from stream.engine.points.classes.bought import Day
from stream.engine.points.classes.lifecycle import stages
from tests.engine.points.classes.test_changes import day

STAGES = Lifecycle(new_days=2, active_days=3, silent_days=5, lapsed_days=8)


@pytest.mark.parametrize(
    ("days", "changes"),
    [
        ([], []),
        ([day(1, 1)], ["1 new", "3 active", "4 cooling", "6 silent", "9 lapsed"]),
        ([day(1, 1, 1)], ["1 new", "1 active", "4 cooling", "6 silent", "9 lapsed"]),
        ([day(1, 1), day(2, 1)], ["1 new", "2 active", "5 cooling", "7 silent", "10 lapsed"]),
        (
            [Day(1, 4, 0, [(start_of(1), 4, 0)])],  # archived
            ["1 active", "4 cooling", "6 silent", "9 lapsed"],
        ),
    ],
)
def test_stages_follow_one_another(days: list[Day], changes: list[str]) -> None:
    found = stages(days, STAGES)
    assert [f"{day_of(change.instant)} {change.value}" for change in found] == changes


def test_who_comes_back_is_active() -> None:
    found = [change.value for change in stages([day(1, 1), day(9, 1)], STAGES)]
    assert found[4:6] == ["lapsed", "active"]
