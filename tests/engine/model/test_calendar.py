# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import (
    DAY_MS,
    date_of,
    day_number,
    day_of,
    first_day_of,
    is_leap,
    month_of,
    start_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: 2011 to 2100: WeChat's lifetime. Before 1992 Shanghai had a summer time.
times = st.integers(1_293_811_200_000, 4_102_444_800_000)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(times)
def test_days_and_months_are_those_of_shanghai(time_ms: int) -> None:
    local = datetime.fromtimestamp(time_ms // 1000, SHANGHAI)
    day = day_of(time_ms)
    assert day == (local.date() - EPOCH.date()).days == day_number(local.date())
    assert date_of(day) == local.date()
    assert month_of(day) == local.year * 12 + local.month - 1
    midnight = local.replace(hour=0, minute=0, second=0)
    assert start_of(day) == int(midnight.timestamp()) * 1000


@given(times)
def test_an_instant_is_within_its_day_and_a_day_within_its_month(time_ms: int) -> None:
    day = day_of(time_ms)
    assert start_of(day) <= time_ms < start_of(day + 1) == start_of(day) + DAY_MS
    month = month_of(day)
    assert first_day_of(month) <= day < first_day_of(month + 1)
    assert month_of(first_day_of(month) - 1) == month - 1


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("1970-01-01T00:00+08:00", 0),
        ("1970-01-01T23:59:59.999+08:00", 0),
        ("1970-01-02T00:00+08:00", 1),
        ("2026-02-28T15:59:59.999+00:00", 20512),
        ("2026-02-28T16:00:00.000+00:00", 20513),
    ],
)
def test_the_day_changes_at_midnight_in_shanghai(moment: str, day: int) -> None:
    since = datetime.fromisoformat(moment) - EPOCH
    assert day_of(round(since.total_seconds() * 1000)) == day


@pytest.mark.parametrize("year", [2000, 2024, 2026, 2028, 2100])
def test_a_leap_year_has_a_29_february(year: int) -> None:
    march, february = first_day_of(year * 12 + 2), first_day_of(year * 12 + 1)
    assert march - february == 28 + is_leap(year)


def test_december_is_followed_by_january() -> None:
    december = 2026 * 12 + 11
    assert first_day_of(december + 1) - first_day_of(december) == 31
    assert first_day_of(2024 * 12 + 2) - first_day_of(2024 * 12 + 1) == 29
