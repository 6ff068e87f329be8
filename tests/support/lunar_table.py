# SPDX-License-Identifier: Apache-2.0
"""The lunar calendar as two libraries know it, and the table of ``stream.engine.model.lunar``.

    python -m tests.support.lunar_table

prints the table as sxtwl gives it. sxtwl (BSD) calculates from the astronomy, cnlunar (MIT) has a
table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby

import cnlunar
import sxtwl

#: Year, month, whether it is a leap month, day.
Lunar = tuple[int, int, bool, int]
DAY = timedelta(days=1)


def by_sxtwl(day: date) -> Lunar:
    found = sxtwl.fromSolar(day.year, day.month, day.day)
    leap = bool(found.isLunarLeap())
    return found.getLunarYear(), found.getLunarMonth(), leap, found.getLunarDay()


def by_cnlunar(day: date) -> Lunar:
    found = cnlunar.Lunar(datetime(day.year, day.month, day.day), godType="8char")
    return found.lunarYear, found.lunarMonth, bool(found.isLunarLeapMonth), found.lunarDay


def solar_by_sxtwl(year: int, month: int, leap: bool, day: int) -> date:
    found = sxtwl.fromLunar(year, month, day, leap)
    return date(found.getSolarYear(), found.getSolarMonth(), found.getSolarDay())


def table(first: int, last: int) -> Iterator[str]:
    """A line for each lunar year: its number, its leap month, and the last digit of each length."""
    day, end = solar_by_sxtwl(first, 1, False, 1), solar_by_sxtwl(last + 1, 1, False, 1)
    days = [by_sxtwl(day + DAY * n) for n in range((end - day).days)]
    for year, of_year in groupby(days, key=lambda lunar: lunar[0]):
        months = [(month, len([*some])) for month, some in groupby(of_year, key=lambda d: d[1:3])]
        leap = next((number for (number, is_leap), _ in months if is_leap), 0)
        yield f"{year} {leap} {''.join(str(length % 10) for _, length in months)}"


if __name__ == "__main__":
    print("\n".join(table(2020, 2056)))
