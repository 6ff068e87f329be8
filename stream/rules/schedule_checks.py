# SPDX-License-Identifier: Apache-2.0
"""Find problems of days and hours beyond single values. Reads the plain tree of a version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from stream.engine.model.calendar import date_of, day_of
from stream.engine.model.lunar import FIRST_YEAR, LAST_YEAR
from stream.language import rule_messages as say
from stream.rules.festivals import FESTIVALS
from stream.rules.schedule_compile import YEARS_RESOLVED, days_in
from stream.rules.schedule_model import YearEntry, parse_year
from stream.rules.tree import rules_and_steps
from stream.yaml_config.entries import entries, list_of
from stream.yaml_config.problems import Finding, Loc
from stream.yaml_config.value_types import parse_moment, start_ms


def schedule_findings(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    """All findings about the days of one version, which is at ``at``."""
    first_year = _year_of(version)
    for loc, entry in (*rules_and_steps(version, at), *entries(version, "campaigns", at)):
        when = entry.get("when")
        if not isinstance(when, dict):
            continue
        if "working_day" in when and "calendar" not in version:
            yield Finding((*loc, "when", "working_day"), say.NEEDS_CALENDAR(), at_name=True)
        if first_year is not None:
            yield from _within_table(when, first_year, (*loc, "when"))
    yield from _days_are_one_thing(version, at)


def _year_of(version: Mapping[str, object]) -> int | None:
    try:
        effective = parse_moment(version.get("effective"))
    except PydanticCustomError:
        return None
    return date_of(day_of(start_ms(effective))).year


def _within_table(when: Mapping[str, object], first_year: int, at: Loc) -> Iterator[Finding]:
    last_year = first_year + YEARS_RESOLVED - 1
    if first_year >= FIRST_YEAR and last_year <= LAST_YEAR:
        return
    for i, dates in enumerate(list_of(when, "dates")):
        named = dates.get("festival") if isinstance(dates, dict) else dates
        if isinstance(named, str) and named in FESTIVALS and FESTIVALS[named].lunar:
            message = say.BEYOND_LUNAR_TABLE(
                known_from=FIRST_YEAR, known_to=LAST_YEAR, first=first_year, last=last_year
            )
            yield Finding((*at, "dates", i), message)


def _days_are_one_thing(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    """No day is both a day off and a working day."""
    calendar = version.get("calendar")
    for name, listed in calendar.items() if isinstance(calendar, dict) else ():
        try:
            year, valid = parse_year(name), YearEntry.model_validate(listed)
        except (PydanticCustomError, ValidationError):
            continue
        off = {day for period in valid.days_off for day in days_in(period, year)}
        for i, period in enumerate(valid.workdays):
            if both := sorted(off.intersection(days_in(period, year))):
                message = say.OFF_AND_WORKED(day=str(date_of(both[0])))
                yield Finding((*at, "calendar", name, "workdays", i), message)
