# SPDX-License-Identifier: Apache-2.0
"""Shanghai days and months as integers. Shanghai is UTC+8 all year round."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from schemas.base import SHANGHAI, format_ms

DAY_MS = 86_400_000
SHANGHAI_MS: Final = SHANGHAI.utcoffset(None) // timedelta(milliseconds=1)  # ahead of UTC
_EPOCH: Final = date(1970, 1, 1)  # day 0


def day_of(time_ms: int) -> int:
    """The Shanghai day (days since 1970-01-01) which contains the instant ``time_ms``."""
    return (time_ms + SHANGHAI_MS) // DAY_MS


def start_of(day: int) -> int:
    """The instant, in ms since the Unix epoch, at which the Shanghai day begins."""
    return day * DAY_MS - SHANGHAI_MS


def shanghai(time_ms: int) -> str:
    """An instant as ``2026-03-01T08:00:00.000+08:00``."""
    return format_ms(time_ms + SHANGHAI_MS).removesuffix("Z") + "+08:00"


def week_of(day: int) -> int:
    """The week, from Monday to Sunday, of a day; 0 is that of 1970-01-01."""
    return (day + 3) // 7


def weekday_of(day: int) -> int:
    """The weekday of a day, from 1 for Monday, as ISO 8601 counts them."""
    return (day + 3) % 7 + 1


@lru_cache(maxsize=4096)
def month_of(day: int) -> int:
    """The month of a day as ``year * 12 + month - 1``."""
    d = date_of(day)
    return d.year * 12 + d.month - 1


def first_day_of(month: int) -> int:
    """The first day of a month counted as in :func:`month_of`."""
    return day_number(date(month // 12, month % 12 + 1, 1))


def date_of(day: int) -> date:
    """The date of a day."""
    return _EPOCH + timedelta(days=day)


def day_number(when: date) -> int:
    """The day of a date."""
    return (when - _EPOCH).days


def is_leap(year: int) -> bool:
    """Whether a year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
