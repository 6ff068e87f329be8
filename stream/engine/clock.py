"""Instants as text. The core never reads a clock; time always comes in as an argument."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as ``2026-03-01T00:00:00.000Z``."""
    return f"{_second(time_ms // 1000)}.{time_ms % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _second(time_s: int) -> str:
    moment = _EPOCH + timedelta(seconds=time_s)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
