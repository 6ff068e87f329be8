# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from stream.engine.model.calendar import day_of
from stream.engine.model.classes import Downgrade, Level, Tiers
from stream.engine.points.classes.tiers import leaving_day, levels
from tests.engine.points.classes.test_changes import day

TIERS = Tiers((Level("bronze", 10), Level("gold", 20)), window_days=10)
#: On day 100 enough for gold, on day 104 enough for bronze.
DAYS = [day(100, 20), day(104, 10)]
TO_SPEND = {"downgrade": Downgrade.TO_SPEND}


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({}, [(100, 2), (110, 1), (114, 0)]),
        ({"hold_days": 2}, [(100, 2), (112, 1), (116, 0)]),
        ({"hold_days": 2, "grace_days": 3}, [(100, 2), (115, 1), (120, 0)]),
        ({"hold_days": 9, **TO_SPEND}, [(100, 2), (119, 1), (123, 0)]),
        ({"hold_days": 2, "grace_days": 3, **TO_SPEND}, [(100, 2), (115, 1), (119, 0)]),
        ({"grace_days": 5, **TO_SPEND}, [(100, 2), (115, 0)]),
    ],
)
def test_a_level_is_held_and_then_falls(
    settings: dict[str, Any], changes: list[tuple[int, int]]
) -> None:
    found = levels(DAYS, replace(TIERS, **settings))
    assert [(day_of(change.instant), change.value) for change in found] == changes


def test_who_reaches_the_level_again_keeps_it() -> None:
    days = [day(100, 20), day(111, 20)]
    found = levels(days, replace(TIERS, hold_days=2))
    assert [(day_of(change.instant), change.value) for change in found] == [
        (100, 2),
        (123, 1),
        (125, 0),
    ]


def test_a_calendar_year_ends_with_december() -> None:
    year = replace(TIERS, window_days=0)
    first = (date(2027, 1, 1) - date(1970, 1, 1)).days
    assert [leaving_day(at, year) for at in (first - 365, first - 1)] == [first, first]
    assert leaving_day(first, year) == first + 365
