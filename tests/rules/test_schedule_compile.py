# SPDX-License-Identifier: Apache-2.0
"""Days and hours of a rule file, beside a naive calendar which asks sxtwl about each day."""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine.model.fields import FIELDS
from stream.engine.model.ruleset import Combine, RuleBook
from stream.engine.model.schedule import WEEKDAYS, Schedule, Span
from stream.rules.festivals import FESTIVALS
from stream.rules.loader import parse_rules
from stream.rules.schedule_model import ScheduleEntry
from tests.support.lunar_table import DAY, by_sxtwl

SHANGHAI = timezone(timedelta(hours=8))
#: As the State Council has them for 2026.
OFF = ["01-01..01-03", "02-15..02-23", "04-04..04-06", "05-01..05-05", "06-19..06-21",
       "09-25..09-27", "10-01..10-07"]  # fmt: skip
WORKED = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def periods(some: list[str]) -> list[Any]:
    return [dict(zip(("from", "to"), p.split(".."), strict=True)) if ".." in p else p for p in some]


CALENDAR = {"2026": {"days_off": periods(OFF), "workdays": periods(WORKED)}}


def book(when: dict[str, Any], effective: str = "2026-01-01", **more: Any) -> RuleBook:
    version = {
        "version": 1,
        "effective": effective,
        "consent": "opt_in",
        "earn": [{"id": "a", "touchpoint": "login", "points": 5, "when": when}],
        **more,
    }
    return parse_rules(json.dumps({"versions": [version]}), "f")


def schedule_of(when: dict[str, Any], **more: Any) -> Schedule:
    found = book(when, **more).versions[0].rules["a"].schedule
    assert found is not None
    return found


# the naive calendar -----------------------------------------------------------------------------


def is_on(entry: Any, day: date) -> bool:
    """Whether an entry of ``dates`` has a day."""
    if isinstance(entry, str) and entry in FESTIVALS:
        entry = {"festival": entry}
    if isinstance(entry, str):
        entry = {"from": entry, "to": entry}
    if "festival" in entry:
        around = range(-entry.get("days_after", 0), entry.get("days_before", 0) + 1)
        return any(is_festival(entry["festival"], day + DAY * n) for n in around)
    first, last = entry["from"], entry["to"]
    today = f"{day}" if len(first) == 10 else f"{day:%m-%d}"
    return first <= today <= last if first <= last else not last < today < first


def is_festival(name: str, day: date) -> bool:
    month, number, lunar = FESTIVALS[name]
    if not lunar:
        return (day.month, day.day) == (month, number)
    return by_sxtwl(day)[1:] == (month, False, number)


def is_working(day: date) -> bool | None:
    if day.year != 2026:
        return None
    if any(first <= f"{day:%m-%d}" <= last for first, _, last in (p.partition("..") for p in OFF)):
        return False
    return day.isoweekday() < 6 or f"{day:%m-%d}" in WORKED


def is_within(when: dict[str, Any], now: datetime) -> bool:
    hours = [when["hours"]] if isinstance(when.get("hours"), str) else when.get("hours")
    for day in (now.date(), now.date() - DAY):
        begun = (now - datetime(day.year, day.month, day.day)) // timedelta(minutes=1)
        if (
            any(window_has(window, begun) for window in hours or ["00:00-24:00"])
            and any(
                is_on(entry, day) for entry in when.get("dates", [{"from": "01-01", "to": "12-31"}])
            )
            and WEEKDAYS[day.weekday()] in when.get("weekdays", WEEKDAYS)
            and day.day in when.get("days_of_month", range(1, 32))
            and when.get("working_day", is_working(day)) is is_working(day)
        ):
            return True
    return False


def window_has(window: str, minute: int) -> bool:
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in window.split("-"))
    return start <= minute < (end if end > start else end + 1440)


# strategies -------------------------------------------------------------------------------------

_around = st.integers(0, 9)
_year_days = (
    st.dates(date(2028, 1, 1), date(2028, 12, 31))
    .map(lambda d: f"{d:%m-%d}")
    .filter(
        lambda day: day != "02-29"  # below
    )
)
_days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
_dates = st.one_of(
    st.sampled_from([*FESTIVALS]),
    st.builds(
        lambda name, before, after: {
            "festival": name, "days_before": before, "days_after": after
        },
        st.sampled_from([*FESTIVALS]), _around, _around,
    ),
    _year_days,
    st.builds(lambda first, last: {"from": first, "to": last}, _year_days, _year_days),
    st.builds(lambda day, n: {"from": f"{day}", "to": f"{day + DAY * n}"}, _days, _around),
)  # fmt: skip
_clock = st.times().map(lambda t: f"{t:%H:%M}")
_windows = st.lists(
    st.tuples(_clock, _clock).filter(lambda p: p[0] != p[1]).map("-".join), min_size=1, max_size=3
)
_whens = st.fixed_dictionaries(
    {"dates": st.lists(_dates, min_size=1, max_size=4)} | {},
    optional={
        "weekdays": st.lists(st.sampled_from(WEEKDAYS), min_size=4, max_size=7, unique=True),
        "days_of_month": st.lists(st.integers(1, 31), min_size=15, unique=True),
        "working_day": st.booleans(),
        "hours": _windows | _windows.map(lambda some: some[0]),
    },
) | st.fixed_dictionaries({"working_day": st.booleans()}, optional={"hours": _windows})


@settings(max_examples=60)
@given(
    _whens, st.lists(st.datetimes(datetime(2025, 12, 31, 22), datetime(2027, 12, 31)), max_size=12)
)
def test_it_has_what_the_naive_calendar_has(when: dict[str, Any], moments: list[datetime]) -> None:
    logging.disable()  # that the list ends, that it never holds
    try:
        schedule = schedule_of(when, calendar=CALENDAR)
    finally:
        logging.disable(logging.NOTSET)
    days = (moment.date() for moment in moments)
    edges = [datetime(d.year, d.month, d.day, hour) for d in days for hour in (0, 3, 9, 21)]
    for moment in [*moments, *edges]:
        if moment >= datetime(2026, 1, 1):
            time = round(moment.replace(tzinfo=SHANGHAI).timestamp() * 1000)
            assert (time in schedule) is is_within(when, moment), moment


# edges ------------------------------------------------------------------------------------------


def dates_of(*dates: Any, **more: Any) -> list[str]:
    shown: list[str] = schedule_of({"dates": [*dates]}, **more).readable()["dates"]
    return shown


def test_festivals_become_days_of_twenty_years_from_the_versions_first() -> None:
    days = dates_of("qixi", effective="2036-12-31T18:00")
    assert (days[0], days[-1], len(days)) == ("2037-08-17", "2055-08-29", 19)
    assert dates_of("singles_day", effective="2036-12-31T16:00Z")[-1] == "2056-11-11"  # of 2037
    assert dates_of({"from": "2026-01-01", "to": "2060-01-01"}) == ["2026-01-01..2060-01-01"]


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        ([{"from": "12-30", "to": "01-02"}], ["2025-12-31..2026-01-02", "2026-12-30..2027-01-02"]),
        ([520, "05-19"], ["2026-05-19..2026-05-20", "2027-05-19..2027-05-20"]),
        (["02-29"], ["2028-02-29", "2032-02-29"]),
        ([{"from": "02-29", "to": "03-01"}], ["2026-03-01", "2027-03-01"]),
        ([{"from": "02-27", "to": "02-29"}], ["2026-02-27..2026-02-28", "2027-02-27..2027-02-28"]),
        (
            [{"festival": "spring_festival", "days_before": 30}],
            ["2026-01-18..2026-02-17", "2027-01-07..2027-02-06"],
        ),
    ],
)  # fmt: skip
def test_periods_of_every_year(dates: list[Any], shown: list[str]) -> None:
    assert dates_of(*dates)[: len(shown)] == shown


def test_later_versions_change_nothing_in_one_that_has_begun() -> None:
    alone = book({"dates": ["mid_autumn"], "working_day": True}, calendar=CALENDAR)
    version = {"version": 2, "effective": "2026-07-01", "consent": "opt_in", "earn": []}
    first = {**version, "version": 1, "effective": "2026-01-01", "calendar": CALENDAR}
    first["earn"] = [
        {"id": "a", "touchpoint": "login", "points": 5,
         "when": {"working_day": True, "dates": ["mid_autumn"]}}
    ]  # fmt: skip
    later = parse_rules(json.dumps({"versions": [first, version]}), "f")
    assert later.versions[0] == alone.versions[0]


def test_a_campaign_without_a_period_runs_as_long_as_its_version() -> None:
    weekend = {"id": "w", "multiplier": 2, "when": {"weekdays": ["sun", "sat"]}}
    opening = {"id": "o", "multiplier": 2, "from": "2026-05-01T18:00"}
    (version,) = book({}, combine="product", campaigns=[weekend, opening]).versions
    assert version.combine is Combine.PRODUCT
    by_id = {campaign.id: campaign for campaign in version.campaigns}
    assert (by_id["w"].starts_ms, by_id["w"].ends_ms) == (version.effective_ms, None)
    assert by_id["w"].schedule == Schedule(weekdays=frozenset({6, 7}))
    assert (by_id["o"].ends_ms, by_id["o"].schedule) == (None, None)
    assert version.rules["a"].schedule is None


def test_one_window_of_hours_needs_no_list() -> None:
    night = schedule_of({"hours": "22:00-02:00"})
    assert (
        night
        == schedule_of({"hours": ["22:00-02:00"]})
        == Schedule(hours=frozenset({Span(1320, 1560)}))
    )
    assert schedule_of({"hours": "18:30-24:00"}).hours == frozenset({Span(1110, 1440)})
    assert schedule_of({"hours": "18:30-00:00"}).hours == frozenset({Span(1110, 1440)})


def test_no_field_of_an_event_is_named_as_a_setting_of_time() -> None:
    names = {name for fields in FIELDS.values() for name in fields}
    assert not names & ScheduleEntry.model_fields.keys()
