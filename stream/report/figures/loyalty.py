# SPDX-License-Identifier: Apache-2.0
"""Who comes back: retention by cohort, repeat purchases, and how many channels people use.

Day 0 of a consumer is the Shanghai day of the first purchase that was not refunded in full. A
consumer is counted on day N once that day is over. Bounded: a purchase on day N itself; unbounded:
on day N or later.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from stream.engine.model.calendar import day_of
from stream.report.figures.counts import Key
from stream.report.figures.history import CHANNELS, History
from stream.report.figures.periods import ARCHIVED, month_name

RETENTION_DAYS: Final = (1, 7, 14, 30, 60, 90)
REPEAT_DAYS: Final = 365
ACTIVE_DAYS: Final = 90


def loyalty_figures(found: Counter[Key], past: History, as_of: int) -> None:
    """Add one consumer."""
    today = day_of(as_of)
    if past.purchases:
        cohort = ARCHIVED if past.is_archived else month_name(past.purchases[0])
        found["cohorts", cohort, "buyers"] += 1
        if not past.is_archived:
            _retention(found, cohort, past.purchases, today)
    bought = sum(day > today - REPEAT_DAYS for day in past.purchases)
    if bought:
        found["repeat", "buyers"] += 1
        found["repeat", "again" if bought > 1 else "once"] += 1
    _channels(found, past, today)


def _retention(found: Counter[Key], cohort: str, purchases: list[int], today: int) -> None:
    for number in RETENTION_DAYS:
        day, name = purchases[0] + number, f"{number:03d}"
        if day >= today:
            return
        found["retention", cohort, name, "old_enough"] += 1
        found["retention", cohort, name, "on" if day in purchases else "not_on"] += 1
        since = purchases[-1] >= day
        found["retention", cohort, name, "since" if since else "not_since"] += 1


def _channels(found: Counter[Key], past: History, today: int) -> None:
    used = {
        CHANNELS.get(moment.touchpoint)
        for moment in past.moments
        if day_of(moment.time) > today - ACTIVE_DAYS
    } - {None}
    if used:
        number = ("1", "2", "3+")[min(len(used), 3) - 1]
        found["channels", number, "consumers"] += 1
        found["active", "consumers"] += 1
    for channel in used:
        found["channel_reach", str(channel), "consumers"] += 1
