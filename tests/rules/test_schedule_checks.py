# SPDX-License-Identifier: Apache-2.0
"""Problems of days and hours are reported at their place; what is probably wrong is a warning."""

from __future__ import annotations

import logging

import pytest

from stream.rules.loader import parse_rules
from stream.yaml_config.problems import RulesInvalid
from tests.snapshots import place_of_one

BASE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    calendar:
      2026: {days_off: [{from: 01-01, to: 01-03}], workdays: [01-04]}
      2027: {days_off: [01-01]}
    earn:
      - id: breakfast
        touchpoint: purchase
        points: 5
        when: {working_day: true, hours: 06:00-10:00, total_fen: {gte: 500}}
    campaigns:
      - id: qixi
        multiplier: 2
        when: {dates: [{festival: qixi, days_before: 3}, 520]}
      - id: weekend
        from: 2026-03-01
        multiplier: 2
        when: {weekdays: [sat, sun], days_of_month: [1, 15]}
  - version: 2
    effective: 2028-01-01
    consent: opt_in
    earn: [{id: breakfast, touchpoint: purchase, points: 5}]
"""
DATES = "[{festival: qixi, days_before: 3}, 520]"
HOURS = "06:00-10:00"
PERIOD = BASE[BASE.index("        from: 2026-03-01") : BASE.index("  - version: 2")]
CALENDAR = BASE[BASE.index("    calendar:") : BASE.index("    earn:")]

# name: (what is replaced, by what, the place of the one problem in "versions[0].")
CASES: dict[str, tuple[str, str, str]] = {
    "festival": (DATES, "[qix]", "16:24 campaigns[0].when.dates[0]"),
    "festival by number": (DATES, "[618]", "16:24 campaigns[0].when.dates[0]"),
    "festival of a mapping": (
        "festival: qixi",
        "festival: newyear",
        "16:35 campaigns[0].when.dates[0].festival",
    ),
    "no dates": (DATES, "[]", "16:23 campaigns[0].when.dates"),
    "one date without a list": (DATES, "qixi", "16:23 campaigns[0].when.dates"),
    "day of no month": (DATES, "[02-30]", "16:24 campaigns[0].when.dates[0]"),
    "day with a dot": (DATES, "[5.20]", "16:24 campaigns[0].when.dates[0]"),
    "day with a time": (DATES, "[2026-05-20T08:00]", "16:24 campaigns[0].when.dates[0]"),
    "festival with a period": (
        "days_before: 3",
        "from: 08-01",
        "16:24 campaigns[0].when.dates[0]",
    ),
    "days before nothing": (
        "{festival: qixi, days_before: 3}",
        "{from: 05-18, to: 05-20, days_before: 3}",
        "16:24 campaigns[0].when.dates[0]",
    ),
    "half a period": (DATES, "[{from: 05-18}]", "16:24 campaigns[0].when.dates[0]"),
    "half a year": (DATES, "[{from: 05-18, to: 2026-05-20}]", "16:24 campaigns[0].when.dates[0]"),
    "period which ends first": (
        DATES,
        "[{from: 2026-05-20, to: 2026-05-18}]",
        "16:24 campaigns[0].when.dates[0]",
    ),
    "month before a festival": (
        "days_before: 3",
        "days_before: 31",
        "16:54 campaigns[0].when.dates[0].days_before",
    ),
    "weekday": ("sat, sun", "saturday", "20:27 campaigns[1].when.weekdays[0]"),
    "day of month": ("[1, 15]", "[32]", "20:54 campaigns[1].when.days_of_month[0]"),
    "field in a campaign": ("weekdays: [sat", "hour: [6", "20:16 campaigns[1].when.hour"),
    "comparison of a time": (f"hours: {HOURS}", "hour: {gte: 6}", "12:35 earn[0].when.hour"),
    "hours": (HOURS, "6-10", "12:42 earn[0].when.hours"),
    "hours off the clock": (HOURS, "06:00-24:30", "12:42 earn[0].when.hours"),
    "no hours": (HOURS, "06:00-06:00", "12:42 earn[0].when.hours"),
    "working day in words": (
        "working_day: true",
        "working_day: 'yes'",
        "12:29 earn[0].when.working_day",
    ),
    "working days without a list": (CALENDAR, "", "9:16 earn[0].when.working_day"),
    "campaign without a time": (PERIOD, "        multiplier: 2\n", "17:9 campaigns[1]"),
    "campaign with no time in it": (
        PERIOD,
        "        multiplier: 2\n        when: {}\n",
        "17:9 campaigns[1]",
    ),
    "combine": ("    calendar:", "    combine: sum\n    calendar:", "5:14 combine"),
    "year": ("      2027:", "      27:", "7:7 calendar.27"),
    "day off in another year": (
        "days_off: [01-01]",
        "days_off: [2027-01-01]",
        "7:25 calendar.2027.days_off[0]",
    ),
    "day off of no month": ("to: 01-03", "to: 12-00", "6:43 calendar.2026.days_off[0].to"),
    "days off over New Year": (
        "from: 01-01",
        "from: 12-31",
        "6:25 calendar.2026.days_off[0]",
    ),
    "day off and working": ("[01-04]", "[01-03]", "6:63 calendar.2026.workdays[0]"),
    "before the lunar table": ("2026-01-01", "2019-12-31", "16:24 campaigns[0].when.dates[0]"),
    "beyond the lunar table": ("2026-01-01", "2038-01-01", "16:24 campaigns[0].when.dates[0]"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_problem_is_reported_at_its_place(name: str) -> None:
    old, new, expected = CASES[name]
    assert old in BASE
    text = BASE.replace(old, new, 1).replace("2028-01-01", "2058-01-01")
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text, "f")
    place = f"f:{expected.replace(' ', ': versions[0].')}"
    assert place_of_one("rule file, times", name, caught.value.problems) == place


def warnings_of(text: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.WARNING):
        parse_rules(text, "f")
    return [message.removeprefix("f:") for message in caplog.messages]


def test_the_base_of_these_cases_has_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of(BASE, caplog) == []


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        # the list of working days ends before the version does, or begins after it
        ("2028-01-01", "2028-01-02", "5:5: versions[0].calendar: does not list 2028: "),
        ("effective: 2026-01-01", "effective: 2025-12-31", "5:5: versions[0].calendar: does not"),
        # what never holds
        (DATES, "[2028-01-01]", "16:15: versions[0].campaigns[0].when: never holds while"),
        ("from: 2026-03-01", "to: 2026-01-02", "20:15: versions[0].campaigns[1].when: never"),
        ("hours: 06", "dates: [2028-01-01], hours: 06", "12:15: versions[0].earn[0].when: never"),
        ("from: 2026-03-01", "to: 2025-12-31", "18:13: versions[0].campaigns[1].to: never runs"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(
    old: str, new: str, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert old in BASE
    found = warnings_of(BASE.replace(old, new, 1), caplog)
    assert any(message.startswith(warning) for message in found), found


def test_the_last_version_outlives_every_list(caplog: pytest.LogCaptureFixture) -> None:
    (warning,) = warnings_of(BASE[: BASE.index("  - version: 2")], caplog)
    assert "does not list 2028: 'working_day' holds for no event of that year" in warning
