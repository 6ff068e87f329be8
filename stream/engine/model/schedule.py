# SPDX-License-Identifier: Apache-2.0
"""Schedules: on which Shanghai days and between which hours something counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from stream.engine.model.calendar import DAY_MS, SHANGHAI_MS, date_of, weekday_of

#: By number from 1, as ISO 8601 counts them.
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 1_440
_MINUTE_MS: Final = 60_000


class Span(NamedTuple):
    """From ``start`` until before ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A set of instants (``time in schedule``, in ms); what is ``None`` excludes nothing.

    ``days`` are counted since 1970-01-01, their spans apart; what else a rule file says has the
    name that it has there. ``hours`` are minutes since midnight; what of them is after the next
    midnight belongs to the day on which they began.
    """

    days: tuple[Span, ...] | None = None
    weekdays: frozenset[int] | None = None
    days_of_month: frozenset[int] | None = None
    hours: frozenset[Span] | None = None

    def __post_init__(self) -> None:
        if self.days is not None:  # stored, their order means nothing
            object.__setattr__(self, "days", tuple(sorted(self.days)))

    def __contains__(self, time: int) -> bool:
        day, ms = divmod(time + SHANGHAI_MS, DAY_MS)
        if self.hours is None:
            return self.has_day(day)
        minute = ms // _MINUTE_MS
        for start, end in self.hours:
            if start <= minute < end and self.has_day(day):
                return True
            if minute + DAY_MINUTES < end and self.has_day(day - 1):
                return True
        return False

    def has_day(self, day: int) -> bool:
        """Whether the hours of a day, or all of it, are in the schedule."""
        if self.weekdays is not None and weekday_of(day) not in self.weekdays:
            return False
        if self.days_of_month is not None and date_of(day).day not in self.days_of_month:
            return False
        if self.days is None:
            return True
        number = bisect_right(self.days, (day + 1,)) - 1
        return number >= 0 and day < self.days[number].end

    def readable(self) -> dict[str, Any]:
        """For people: ``2026-08-16..2026-08-20`` with the last day, and only what is said."""
        said: dict[str, Any] = {}
        if self.days is not None:
            said["dates"] = [_days(first, end - 1) for first, end in self.days]
        if self.weekdays is not None:
            said["weekdays"] = [WEEKDAYS[number - 1] for number in sorted(self.weekdays)]
        if self.days_of_month is not None:
            said["days_of_month"] = sorted(self.days_of_month)
        if self.hours is not None:
            said["hours"] = [f"{_clock(start)}-{_clock(end)}" for start, end in sorted(self.hours)]
        return said


def merged(days: Iterator[Span]) -> tuple[Span, ...]:
    """Spans in order and apart, which cover the same."""
    found: list[Span] = []
    for span in sorted(days):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def shared(some: tuple[Span, ...], others: tuple[Span, ...]) -> tuple[Span, ...]:
    """What is in both."""
    both = (Span(max(a.start, b.start), min(a.end, b.end)) for a in some for b in others)
    return tuple(sorted(span for span in both if span.start < span.end))


def _days(first: int, last: int) -> str:
    return f"{date_of(first)}" if first == last else f"{date_of(first)}..{date_of(last)}"


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes if minutes <= DAY_MINUTES else minutes - DAY_MINUTES, 60)
    return f"{hour:02}:{minute:02}"
