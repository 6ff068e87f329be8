# SPDX-License-Identifier: Apache-2.0
"""Birthdays: on which Shanghai days a month and a day fall, by the solar or the lunar calendar.

A birthday falls once in each year of its calendar, also where the year lacks its day:

- the 30th of a lunar month that has 29 days is kept on the 29th,
- one in a leap month is kept in the month of the same number where the year has no such leap month,
- 29 February is kept on the 28th.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from stream.engine.model.calendar import date_of, day_number, is_leap
from stream.engine.model.lunar import LunarDate, day_of_lunar, length_of


class Birthday(msgspec.Struct, array_like=True, frozen=True, order=True):
    """A day without its year; raises ``ValueError`` if no year has it."""

    month: int
    day: int
    lunar: bool = False
    leap: bool = False  # in a lunar leap month

    def __post_init__(self) -> None:
        days = 30 if self.lunar else _DAYS.get(self.month, 0)
        if not (1 <= self.month <= 12 and 1 <= self.day <= days) or (self.leap and not self.lunar):
            raise ValueError(f"no year has the day {self.month}-{self.day}")


_DAYS = {month: 31 - (month in (4, 6, 9, 11)) - 2 * (month == 2) for month in range(1, 13)}


def birthday_in(birthday: Birthday, year: int) -> int | None:
    """The day (since 1970-01-01) on which it falls in a year of its calendar.

    A lunar year ends in January or February of the next solar one. ``None`` outside the table of
    ``stream.engine.model.lunar``.
    """
    month, day = birthday.month, birthday.day
    if not birthday.lunar:
        common = (month, day) == (2, 29) and not is_leap(year)
        return day_number(date(year, month, day - common))
    leap = birthday.leap and length_of(year, month, leap=True) > 0
    length = length_of(year, month, leap=leap)
    return day_of_lunar(LunarDate(year, month, min(day, length), leap))


def birthdays(birthday: Birthday, first: int, end: int) -> Iterator[int]:
    """The days from ``first`` until before ``end`` (since 1970-01-01) on which it falls."""
    if first >= end:
        return
    for year in range(date_of(first).year - 1, date_of(end - 1).year + 1):
        day = birthday_in(birthday, year)
        if day is not None and first <= day < end:
            yield day
