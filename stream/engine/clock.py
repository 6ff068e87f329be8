"""Instants as text. The core never reads a clock; time always comes in as an argument."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_EPOCH = date(1970, 1, 1)


@lru_cache(maxsize=1024)  # what is said at one time is said with it several times
def iso(time_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as ``2026-03-01T00:00:00.000Z``."""
    second, ms = divmod(time_ms, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    day, hour = divmod(hour, 24)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
