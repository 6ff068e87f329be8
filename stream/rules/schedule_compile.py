# SPDX-License-Identifier: Apache-2.0
"""Compile days and hours to a schedule: festivals and working days become explicit days.

What a version says must not depend on later versions or on the clock. So days are resolved for the
year in which the version begins and the 19 after it, whenever the next version begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Final, NamedTuple

from stream.engine.model.calendar import date_of, day_number, is_leap
from stream.engine.model.schedule import Schedule, Span, merged, shared
from stream.rules.festivals import festival_day
from stream.rules.schedule_model import (
    DatesEntry,
    PeriodEntry,
    ScheduleEntry,
    YearDay,
    YearEntry,
)

YEARS_RESOLVED: Final = 20
#: What a rule file and a schedule call by one name, the one as a list, the other as a set.
_SAME = [field.name for field in fields(Schedule) if field.name in ScheduleEntry.model_fields]


class Life(NamedTuple):
    """What a version says about time: when it begins, and the working days that it lists."""

    effective: date  # Shanghai's day
    calendar: Mapping[int, YearEntry]

    @property
    def last_year(self) -> int:
        """The last year for which days are resolved."""
        return self.effective.year + YEARS_RESOLVED - 1


def compile_schedule(entry: ScheduleEntry | None, life: Life) -> Schedule | None:
    """``None`` where nothing is said."""
    if entry is None:
        return None
    days: tuple[Span, ...] | None = None
    if entry.dates is not None:
        days = merged(span for dates in entry.dates for span in _spans(dates, life))
    if entry.working_day is not None:
        working = merged(_working(life.calendar, entry.working_day))
        days = working if days is None else shared(days, working)
    said = {name: frozenset(some) for name in _SAME if (some := getattr(entry, name)) is not None}
    schedule = Schedule(days, **said)
    return None if schedule == Schedule() else schedule


def days_in(period: PeriodEntry, year: int) -> range:
    """The days (since 1970-01-01) of a period in a year."""
    return range(_day(year, period.start), _day(year, period.end, last=True) + 1)


def _spans(dates: DatesEntry, life: Life) -> Iterator[Span]:
    start, end = dates.start, dates.end
    if isinstance(start, date) and isinstance(end, date):
        yield Span(day_number(start), day_number(end) + 1)
        return
    # Hours after midnight belong to the day before.
    first = day_number(life.effective) - 1
    limit = day_number(date(life.last_year + 1, 1, 1))
    for year in range(life.effective.year - 1, life.last_year + 2):
        span = _in_year(dates, year)
        if span is not None and span.start < limit and first < span.end:
            yield Span(max(span.start, first), min(span.end, limit))


def _in_year(dates: DatesEntry, year: int) -> Span | None:
    """The days of every year that begin in one."""
    if dates.festival is not None:
        day = festival_day(dates.festival, year)
        if day is None:  # an edge of the lunar table: no festival is so near the year's end
            return None
        return Span(day - (dates.days_before or 0), day + (dates.days_after or 0) + 1)
    assert isinstance(dates.start, YearDay)
    assert isinstance(dates.end, YearDay)
    over_new_year = dates.end < dates.start
    start, last = _day(year, dates.start), _day(year + over_new_year, dates.end, last=True)
    return Span(start, last + 1) if start <= last else None  # 29 February alone


def _day(year: int, of_year: YearDay, *, last: bool = False) -> int:
    """The day; for 29 February in a common year 1 March or, as the ``last``, the 28th."""
    month, day = of_year
    if (month, day) == (2, 29):
        return day_number(date(year, 3, 1)) - (last or is_leap(year))
    return day_number(date(year, month, day))


def _working(calendar: Mapping[int, YearEntry], wanted: bool) -> Iterator[Span]:
    """The days of the years in the list that are working days, or are not."""
    for year, listed in calendar.items():
        off = {day for period in listed.days_off for day in days_in(period, year)}
        worked = {day for period in listed.workdays for day in days_in(period, year)}
        for day in range(day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))):
            weekend = date_of(day).weekday() > 4
            if (day in worked or not (weekend or day in off)) is wanted:
                yield Span(day, day + 1)
