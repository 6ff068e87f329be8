# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.rule_versions import dump_version, fingerprint, load_version, readable
from stream.engine.model.ruleset import Campaign, RuleSet
from stream.engine.model.schedule import Schedule, Span, merged, shared
from tests.support.books import SCHEDULED
from tests.support.model import is_within

SHANGHAI = timezone(timedelta(hours=8))
DAY_0 = 20_454  # 2026-01-01, a Thursday


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


WEEKEND = Schedule(weekdays=frozenset({6, 7}))
PAYDAY = Schedule(days_of_month=frozenset({1, 31}))
MORNING = Schedule(hours=frozenset({Span(360, 600)}))
FRIDAY_NIGHT = Schedule(weekdays=frozenset({5}), hours=frozenset({Span(1320, 1560)}))
NEW_YEAR = Schedule((Span(DAY_0, DAY_0 + 1), Span(DAY_0 + 4, DAY_0 + 6)))


@pytest.mark.parametrize(
    ("schedule", "moment", "holds"),
    [
        (WEEKEND, "2026-01-02T23:59:59.999", False),
        (WEEKEND, "2026-01-03T00:00", True),
        (WEEKEND, "2026-01-04T23:59:59.999", True),
        (WEEKEND, "2026-01-05T00:00", False),
        (PAYDAY, "2026-01-31T12:00", True),
        (PAYDAY, "2026-02-28T12:00", False),  # a shorter month has no 31st
        (PAYDAY, "2026-03-01T00:00", True),
        (MORNING, "2026-01-01T05:59:59.999", False),
        (MORNING, "2026-01-01T06:00", True),
        (MORNING, "2026-01-01T09:59:59.999", True),
        (MORNING, "2026-01-01T10:00", False),
        (FRIDAY_NIGHT, "2026-01-02T01:00", False),  # the night from Thursday
        (FRIDAY_NIGHT, "2026-01-02T22:00", True),
        (FRIDAY_NIGHT, "2026-01-03T01:59:59.999", True),
        (FRIDAY_NIGHT, "2026-01-03T02:00", False),
        (FRIDAY_NIGHT, "2026-01-03T22:00", False),
        (NEW_YEAR, "2025-12-31T23:59:59.999", False),
        (NEW_YEAR, "2026-01-01T00:00", True),
        (NEW_YEAR, "2026-01-02T00:00", False),
        (NEW_YEAR, "2026-01-06T23:59:59.999", True),
        (NEW_YEAR, "2026-01-07T00:00", False),
        (Schedule(()), "2026-01-01T00:00", False),
        (Schedule(), "2026-01-01T00:00", True),
    ],
)
def test_a_schedule_has_its_instants(schedule: Schedule, moment: str, holds: bool) -> None:
    assert (at(moment) in schedule) is holds


def numbers(least: int, most: int) -> st.SearchStrategy[frozenset[int] | None]:
    return st.none() | st.frozensets(st.integers(least, most))


_SPAN = st.builds(
    lambda start, n: Span(DAY_0 + start, DAY_0 + start + n), st.integers(0, 70), st.integers(1, 9)
)
_SPANS = st.lists(_SPAN, max_size=4).map(tuple)
_HOURS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda p: Span(p[0], sum(p)))
_SCHEDULES = st.builds(
    Schedule,
    st.none() | _SPANS.map(lambda spans: merged(iter(spans))),
    numbers(1, 7),
    numbers(1, 31),
    st.none() | st.frozensets(_HOURS, min_size=1, max_size=3),
)


@given(_SCHEDULES, st.integers(at("2025-12-30T00:00"), at("2026-03-20T00:00")))
def test_it_has_what_the_naive_calendar_has(schedule: Schedule, time: int) -> None:
    assert (time in schedule) is is_within(schedule, time)
    minute = time // 60_000 * 60_000  # where something begins or ends
    assert (minute in schedule) is is_within(schedule, minute)


@given(_SPANS, _SPANS)
def test_spans_are_sets_of_days(some: tuple[Span, ...], others: tuple[Span, ...]) -> None:
    def days(spans: tuple[Span, ...]) -> list[int]:
        return [day for span in spans for day in range(*span)]

    a, b = merged(iter(some)), merged(iter(others))
    assert days(a) == sorted({*days(some)})
    assert all(one.end < two.start for one, two in pairwise(a))
    assert days(shared(a, b)) == sorted({*days(some)} & {*days(others)})


@given(_SCHEDULES)
def test_it_is_a_part_of_what_a_version_says(schedule: Schedule) -> None:
    campaign = Campaign("c", 0, None, SCHEDULED.versions[0].campaigns[0].multiplier)
    version: RuleSet = replace(
        SCHEDULED.versions[0], campaigns=(replace(campaign, schedule=schedule),)
    )
    assert load_version(dump_version(version)) == version
    other = replace(version, campaigns=(campaign,))
    assert fingerprint(other) != fingerprint(version)


def test_people_read_it_as_dates_and_hours() -> None:
    schedule = Schedule(
        NEW_YEAR.days,
        frozenset({5, 6}),
        frozenset({31, 1}),
        frozenset({Span(1320, 1560), Span(0, 1440)}),
    )
    assert schedule.readable() == {
        "dates": ["2026-01-01", "2026-01-05..2026-01-06"],
        "weekdays": ["fri", "sat"],
        "days_of_month": [1, 31],
        "hours": ["00:00-24:00", "22:00-02:00"],
    }
    shown = readable(SCHEDULED.versions[0])
    assert shown["rules"]["browse"]["schedule"] == {
        "days_of_month": [2, 15],
        "hours": ["05:00-12:01"],
    }
    assert "schedule" not in shown["rules"]["spend"]
