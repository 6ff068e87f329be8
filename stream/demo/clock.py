# SPDX-License-Identifier: Apache-2.0
"""Draw the times of events on a Shanghai day, and the times at which their records arrive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

from schemas.base import SHANGHAI
from stream.engine.model.calendar import DAY_MS, start_of

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Weight of each hour of the day, with peaks at breakfast, at lunch and in the evening.
ABC_HOURS: tuple[int, ...] = (
    1,
    0,
    0,
    0,
    0,
    1,
    8,
    26,
    24,
    9,
    6,
    12,
    18,
    9,
    5,
    5,
    7,
    12,
    16,
    12,
    8,
    5,
    3,
    2,
)
FIT_HOURS: tuple[int, ...] = (
    1,
    0,
    0,
    0,
    0,
    2,
    8,
    9,
    6,
    4,
    4,
    6,
    10,
    7,
    4,
    4,
    6,
    12,
    22,
    26,
    20,
    11,
    5,
    2,
)

#: Pauses between WeChat Pay's attempts to deliver a notification, in seconds (24 h 4 min in total).
RETRY_PAUSES_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800)


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the engine counts them."""
    return (day - _EPOCH_DAY).days


class Clock:
    """The times of one Shanghai day, in ms since the Unix epoch."""

    def __init__(self, rng: Random, day: date) -> None:
        self._rng = rng
        self.day, self.start = day, start_of(day_number(day))
        self.end = self.start + DAY_MS - 1
        self._hours: dict[tuple[int, ...], tuple[int, ...]] = {
            hours: tuple(accumulate(hours)) for hours in (ABC_HOURS, FIT_HOURS)
        }

    def moment(self, hours: tuple[int, ...], first: int = 0, last: int = 24) -> int:
        """A whole second between the hours ``first`` and ``last`` of the day, by ``hours``."""
        if (first, last) == (0, 24):
            hour = self._rng.choices(range(24), cum_weights=self._hours[hours])[0]
        else:
            weights = [weight + 1 for weight in hours[first:last]]
            hour = self._rng.choices(range(first, last), weights)[0]
        return self.start + hour * HOUR_MS + int(self._rng.random() * 3600) * 1000

    def earlier(self, days_max: int, hours: tuple[int, ...]) -> int:
        """A moment on one of the ``days_max`` days before this one."""
        return self.moment(hours) - self._rng.randint(1, days_max) * DAY_MS

    def after_attempts(self, attempts: int) -> int:
        """The ms from the first attempt to the one that is ``attempts`` later."""
        return sum(RETRY_PAUSES_S[:attempts]) * 1000

    def clip(self, at_ms: int) -> int:
        """No later than the end of the day."""
        return min(at_ms, self.end)


def rfc3339(at_ms: int, *, millis: bool = False, utc: bool = False) -> str:
    """``2026-03-01T08:12:30+08:00``, or with milliseconds, or in UTC."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    spec = "milliseconds" if millis else "seconds"
    if utc:
        return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"
    return moment.astimezone(SHANGHAI).isoformat(timespec=spec)


def pick_weighted(rng: Random, table: Sequence[tuple[str, int]]) -> str:
    """One of the names of ``table``, by its weight."""
    return rng.choices([name for name, _ in table], [weight for _, weight in table])[0]
