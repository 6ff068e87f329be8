"""The format of days and hours in a rule file: ``when`` and ``calendar``."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from stream.engine.model.ruleset import Op
from stream.engine.model.schedule import DAY_MINUTES, WEEKDAYS, Span
from stream.rules.festivals import FESTIVALS
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.problems import quoted, suggestion
from stream.yaml_config.value_types import Operand, parse_moment, parse_operand, refuse, sized

DATES_MAX = 50  # in one list
WINDOWS_MAX = 10  # of hours
#: So few that a festival's days are in its own year, but for days before the Spring Festival.
DAYS_AROUND_MAX = 30
CALENDAR_YEARS_MAX = 20

_YEAR_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WINDOW = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)", re.ASCII)


class YearDay(NamedTuple):
    """A day of every year, such as ``05-20``."""

    month: int
    day: int


def parse_year_day(value: object) -> YearDay:
    """A day such as ``05-20``."""
    match = _YEAR_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse("must be a day such as 05-20")
    month, day = map(int, match.groups())
    try:
        date(2000, month, day)
    except ValueError:
        refuse(f"{quoted(value)} is not in the calendar; write month-day, such as 05-20")
    return YearDay(month, day)


def parse_day(value: object) -> YearDay | date:
    """A day of every year, or of one."""
    if isinstance(value, str) and _YEAR_DAY.fullmatch(value):
        return parse_year_day(value)
    if not isinstance(value, str) or not _DAY.match(value):
        refuse("must be a day such as 05-20 of every year, or 2026-05-20")
    day = parse_moment(value)
    if isinstance(day, datetime):
        refuse("must be a day without a time; hours have a setting of their own")
    return day


def parse_festival(value: object) -> str:
    """The name of a festival; 520 may be written without quotes."""
    name = str(value) if isinstance(value, str | int) else ""
    if name not in FESTIVALS:
        refuse(f"there is no festival {quoted(value)}; {suggestion(name, FESTIVALS)}")
    return name


def parse_weekday(value: object) -> int:
    """The number of a weekday, from 1 for Monday."""
    if value not in WEEKDAYS:
        refuse(f"{quoted(value)} is no weekday; use {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(str(value)) + 1


def parse_hours(value: object) -> Span:
    """Minutes since midnight: ``22:00-02:00`` ends on the next day."""
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse("must be hours such as 06:00-10:00")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        refuse(f"{quoted(value)} is not on the clock; use 00:00 to 24:00")
    if start == end:
        refuse("begins and ends at the same time; for a whole day leave the hours out")
    return Span(start, end if end > start else end + DAY_MINUTES)


def _as_period(value: object) -> object:
    """``05-20`` is short for ``{from: 05-20, to: 05-20}``."""
    return value if isinstance(value, dict) else {"from": value, "to": value}


def _as_dates(value: object) -> object:
    """``qixi`` is short for ``{festival: qixi}``, a day for a period."""
    name = str(value) if isinstance(value, str | int) else "0"
    is_day = name[:1].isdigit() and name not in FESTIVALS
    return _as_period(value) if is_day else {"festival": value}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class PeriodEntry(Closed):
    """Days of one year, both included."""

    start: Annotated[YearDay, PlainValidator(parse_year_day)] = Field(alias="from")
    end: Annotated[YearDay, PlainValidator(parse_year_day)] = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> PeriodEntry:
        if self.end < self.start:
            refuse("ends before it begins; a year ends with 12-31")
        return self


class YearEntry(Closed):
    """How the working days of one year differ from Monday to Friday."""

    days_off: Annotated[
        ListOf[Annotated[PeriodEntry, BeforeValidator(_as_period)]], sized(0, DATES_MAX)
    ]
    workdays: Annotated[
        ListOf[Annotated[PeriodEntry, BeforeValidator(_as_period)]], sized(0, DATES_MAX)
    ] = ()


_Day = Annotated[YearDay | date, PlainValidator(parse_day)]
_Around = Annotated[int, Field(ge=0, le=DAYS_AROUND_MAX)]


class DatesEntry(Closed):
    """A festival with days before and after it, or a period of every year, or of one."""

    festival: Annotated[str, PlainValidator(parse_festival)] | None = None
    days_before: _Around | None = None
    days_after: _Around | None = None
    start: _Day | None = Field(alias="from", default=None)
    end: _Day | None = Field(alias="to", default=None)

    @model_validator(mode="after")
    def _one_of_both(self) -> DatesEntry:
        if self.festival is not None:
            if self.start is not None or self.end is not None:
                refuse("is a festival or a period; write two entries")
            return self
        if self.days_before is not None or self.days_after is not None:
            refuse("has days before or after no festival; name it with 'festival'")
        if self.start is None or self.end is None:
            refuse("needs 'from' and 'to', or 'festival'")
        if isinstance(self.start, YearDay) is not isinstance(self.end, YearDay):
            refuse("has a year on one side only; write it on both, or on neither")
        if isinstance(self.start, date) and isinstance(self.end, date) and self.end < self.start:
            refuse("ends before it begins")
        return self


class ScheduleEntry(Closed):
    """When something counts: all that is given must hold."""

    dates: (
        Annotated[ListOf[Annotated[DatesEntry, BeforeValidator(_as_dates)]], sized(1, DATES_MAX)]
        | None
    ) = None
    weekdays: (
        Annotated[ListOf[Annotated[int, PlainValidator(parse_weekday)]], sized(1, len(WEEKDAYS))]
        | None
    ) = None
    days_of_month: Annotated[ListOf[Annotated[int, Field(ge=1, le=31)]], sized(1, 31)] | None = None
    working_day: bool | None = None
    hours: (
        Annotated[
            ListOf[Annotated[Span, PlainValidator(parse_hours)]],
            sized(1, WINDOWS_MAX),
            BeforeValidator(_as_list),  # runs before ``sized``
        ]
        | None
    ) = None


def _as_tests(value: object) -> object:
    """``field: value`` is short for ``field: {eq: value}``."""
    return value if isinstance(value, dict) else {Op.EQ.value: value}


Tests = Annotated[
    dict[
        Annotated[Op, Field(strict=False)],
        Annotated[Operand, PlainValidator(parse_operand)],
    ],
    sized(1, len(Op)),
    BeforeValidator(_as_tests),  # runs before ``sized``
]


class RuleWhen(ScheduleEntry):
    """A schedule, and beside its settings tests of the event's fields."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Tests] = Field(init=False)

    @property
    def tests(self) -> dict[str, Tests]:
        """By field."""
        return self.__pydantic_extra__


def parse_year(value: object) -> int:
    """A year of ``calendar``; names in a file are text."""
    text = str(value)
    if not re.fullmatch(r"20\d\d", text, re.ASCII):
        refuse("must be a year such as 2026")
    return int(text)


Calendar = Annotated[
    dict[Annotated[int, PlainValidator(parse_year)], YearEntry], sized(1, CALENDAR_YEARS_MAX)
]
