# SPDX-License-Identifier: Apache-2.0
"""The format of days and hours in a rule file: ``when`` and ``calendar``."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from stream.engine.model.schedule import DAY_MINUTES, WEEKDAYS, Span
from stream.language import value_messages as say
from stream.language.message import listed
from stream.rules.conditions import Tests
from stream.rules.festivals import FESTIVALS
from stream.yaml_config.model import Closed, ListOf
from stream.yaml_config.problems import shown, suggestion
from stream.yaml_config.value_types import parse_moment, refuse, sized

DATES_MAX = 50  # in one list
WINDOWS_MAX = 10  # of hours
#: So few that a festival's days are in its own year, but for days before the Spring Festival.
DAYS_AROUND_MAX = 30
CALENDAR_YEARS_MAX = 20

_YEAR_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WINDOW = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)", re.ASCII)
_YEAR = re.compile(r"20\d\d", re.ASCII)

# What is written in the file, for its JSON Schema.
_Festival = Literal[(*FESTIVALS, 520)]  # type: ignore[valid-type]
_Weekday = Literal[WEEKDAYS]  # type: ignore[valid-type]
_WrittenYearDay = Annotated[str, Field(pattern=f"^{_YEAR_DAY.pattern}$")]
_WrittenDay = Annotated[str, Field(pattern=f"^({_YEAR_DAY.pattern}|{_DAY.pattern})$")]
_Hours = Annotated[str, Field(pattern=f"^{_WINDOW.pattern}$")]
_WrittenYear = Annotated[str, Field(pattern=f"^{_YEAR.pattern}$")]


class YearDay(NamedTuple):
    """A day of every year, such as ``05-20``."""

    month: int
    day: int


def parse_year_day(value: object) -> YearDay:
    """A day such as ``05-20``."""
    match = _YEAR_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse(say.NO_DAY_OF_A_YEAR())
    month, day = map(int, match.groups())
    try:
        date(2000, month, day)
    except ValueError:
        refuse(say.NO_SUCH_DAY(given=shown(value)))
    return YearDay(month, day)


def parse_day(value: object) -> YearDay | date:
    """A day of every year, or of one."""
    if isinstance(value, str) and _YEAR_DAY.fullmatch(value):
        return parse_year_day(value)
    if not isinstance(value, str) or not _DAY.match(value):
        refuse(say.NO_DAY())
    day = parse_moment(value)
    if isinstance(day, datetime):
        refuse(say.NO_TIME_OF_DAY())
    return day


def parse_festival(value: object) -> str:
    """The name of a festival; 520 may be written without quotes."""
    name = str(value) if isinstance(value, str | int) else ""
    if name not in FESTIVALS:
        refuse(say.NO_FESTIVAL(name=shown(value), known=suggestion(name, FESTIVALS)))
    return name


def parse_weekday(value: object) -> int:
    """The number of a weekday, from 1 for Monday."""
    if value not in WEEKDAYS:
        refuse(say.NO_WEEKDAY(given=shown(value), weekdays=listed(WEEKDAYS)))
    return WEEKDAYS.index(str(value)) + 1


def parse_hours(value: object) -> Span:
    """Minutes since midnight: ``22:00-02:00`` ends on the next day."""
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        refuse(say.NO_HOURS())
    hour, minute, end_hour, end_minute = map(int, match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        refuse(say.NOT_ON_THE_CLOCK(given=shown(value)))
    if start == end:
        refuse(say.HOURS_ARE_EMPTY())
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


_YearDay = Annotated[
    YearDay, PlainValidator(parse_year_day, json_schema_input_type=_WrittenYearDay)
]


class PeriodEntry(Closed):
    """Days of one year, both included."""

    start: _YearDay = Field(alias="from")
    end: _YearDay = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> PeriodEntry:
        if self.end < self.start:
            refuse(say.PERIOD_OVER_NEW_YEAR())
        return self


_Period = Annotated[
    PeriodEntry,
    BeforeValidator(_as_period, json_schema_input_type=PeriodEntry | _WrittenYearDay),
]


class YearEntry(Closed):
    """How the working days of one year differ from Monday to Friday."""

    days_off: Annotated[ListOf[_Period], sized(0, DATES_MAX)]
    workdays: Annotated[ListOf[_Period], sized(0, DATES_MAX)] = ()


_Day = Annotated[YearDay | date, PlainValidator(parse_day, json_schema_input_type=_WrittenDay)]
_Around = Annotated[int, Field(ge=0, le=DAYS_AROUND_MAX)]


class DatesEntry(Closed):
    """A festival with days before and after it, or a period of every year, or of one."""

    festival: (
        Annotated[str, PlainValidator(parse_festival, json_schema_input_type=_Festival)] | None
    ) = None
    days_before: _Around | None = None
    days_after: _Around | None = None
    start: _Day | None = Field(alias="from", default=None)
    end: _Day | None = Field(alias="to", default=None)

    @model_validator(mode="after")
    def _one_of_both(self) -> DatesEntry:
        if self.festival is not None:
            if self.start is not None or self.end is not None:
                refuse(say.FESTIVAL_AND_PERIOD())
            return self
        if self.days_before is not None or self.days_after is not None:
            refuse(say.DAYS_AROUND_NOTHING())
        if self.start is None or self.end is None:
            refuse(say.HALF_A_PERIOD())
        if isinstance(self.start, YearDay) is not isinstance(self.end, YearDay):
            refuse(say.HALF_A_YEAR())
        if isinstance(self.start, date) and isinstance(self.end, date) and self.end < self.start:
            refuse(say.PERIOD_FALLS())
        return self


_Dates = Annotated[
    DatesEntry,
    BeforeValidator(_as_dates, json_schema_input_type=DatesEntry | _WrittenDay | _Festival),
]
_DayOfWeek = Annotated[int, PlainValidator(parse_weekday, json_schema_input_type=_Weekday)]
Window = Annotated[Span, PlainValidator(parse_hours, json_schema_input_type=_Hours)]
_Windows = Annotated[ListOf[_Hours], Field(min_length=1, max_length=WINDOWS_MAX)]


class ScheduleEntry(Closed):
    """When something counts: all that is given must hold."""

    dates: Annotated[ListOf[_Dates], sized(1, DATES_MAX)] | None = None
    weekdays: Annotated[ListOf[_DayOfWeek], sized(1, len(WEEKDAYS))] | None = None
    days_of_month: Annotated[ListOf[Annotated[int, Field(ge=1, le=31)]], sized(1, 31)] | None = None
    working_day: bool | None = None
    hours: (
        Annotated[
            ListOf[Window],
            sized(1, WINDOWS_MAX),
            # runs before ``sized``
            BeforeValidator(_as_list, json_schema_input_type=_Windows | _Hours),
        ]
        | None
    ) = None


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
    if not _YEAR.fullmatch(text):
        refuse(say.NO_YEAR())
    return int(text)


Calendar = Annotated[
    dict[
        Annotated[int, PlainValidator(parse_year, json_schema_input_type=_WrittenYear)], YearEntry
    ],
    sized(1, CALENDAR_YEARS_MAX),
    Field(json_schema_extra={"additionalProperties": False}),
]
