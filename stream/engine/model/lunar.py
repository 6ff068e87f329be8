# SPDX-License-Identifier: Apache-2.0
"""The Chinese lunar calendar (农历) from a table: days as lunar dates, and back.

The calendar is that of Purple Mountain Observatory (GB/T 33661-2017), whose days are Beijing's. A
lunar year begins with its New Year, late in January or in February. The table ends with 2056: in
2057 a new moon is seconds before midnight, and calendars disagree.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import Final, NamedTuple

from stream.engine.model.calendar import day_number

#: Of each year the number, that of its leap month (0: none; it follows the month of its number),
#: and of each month the last digit of its length, 29 or 30 days. ``tests.support.lunar_table``
#: prints it.
_TABLE: Final = """
2020 4 9000909909090
2021 0 900909090909
2022 0 090900909090
2023 2 9099009009090
2024 0 909909009009
2025 6 0909909090009
2026 0 090990990009
2027 0 009099099009
2028 5 0009099099009
2029 0 009090909900
2030 0 909009090909
2031 3 9009090090909
2032 0 099090090090
2033 11 9099090900090
2034 0 909909090090
2035 0 090990990090
2036 6 0090990990900
2037 0 009099099090
2038 0 009090909909
2039 5 0090090909099
2040 0 090090900909
2041 0 909090090090
2042 2 9099090900900
2043 0 909909900900
2044 7 0909909909000
2045 0 090990990900
2046 0 090909099090
2047 5 0900909099090
2048 0 900900909909
2049 0 090900900909
2050 3 9090909009009
2051 0 099099009000
2052 8 9099099090000
2053 0 909909909000
2054 0 900990990900
2055 6 9009090990909
2056 0 000909099090
"""
_NEW_YEAR: Final = date(2020, 1, 25)  # the first that the table knows


class LunarDate(NamedTuple):
    """A day of the lunar calendar; a leap month has the number of the month before it."""

    year: int
    month: int
    day: int
    leap: bool = False


_Month = tuple[int, int, bool]  # year, month, whether it is a leap month


def _read() -> tuple[dict[_Month, int], list[int]]:
    """The months, by their order, and the days (since 1970-01-01) on which they begin."""
    months: dict[_Month, int] = {}
    starts = [day_number(_NEW_YEAR)]
    for line in _TABLE.split("\n")[1:-1]:
        year, leap, lengths = line.split()
        month, is_leap = 0, False
        for length in lengths:
            is_leap = month == int(leap) and month > 0 and not is_leap
            month += not is_leap
            months[int(year), month, is_leap] = len(months)
            starts.append(starts[-1] + (29 if length == "9" else 30))
    return months, starts


_MONTHS, _STARTS = _read()
_KEYS: Final = tuple(_MONTHS)
FIRST_YEAR: Final = _KEYS[0][0]
LAST_YEAR: Final = _KEYS[-1][0]


def lunar_date(day: int) -> LunarDate | None:
    """The lunar date of a day (since 1970-01-01); ``None`` outside the table."""
    number = bisect_right(_STARTS, day) - 1
    if not 0 <= number < len(_KEYS):
        return None
    year, month, leap = _KEYS[number]
    return LunarDate(year, month, day - _STARTS[number] + 1, leap)


def length_of(year: int, month: int, *, leap: bool = False) -> int:
    """How many days the month has, 29 or 30; 0 if there is no such month, or not in the table."""
    number = _MONTHS.get((year, month, leap))
    return 0 if number is None else _STARTS[number + 1] - _STARTS[number]


def day_of_lunar(lunar: LunarDate) -> int | None:
    """The day (since 1970-01-01) of a lunar date; ``None`` if the table has no such date."""
    year, month, day, leap = lunar
    if not 1 <= day <= length_of(year, month, leap=leap):
        return None
    return _STARTS[_MONTHS[year, month, leap]] + day - 1
