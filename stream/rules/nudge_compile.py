# SPDX-License-Identifier: Apache-2.0
"""Compile what a version says of nudges to what the engine reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.rules.nudge_model import NudgeEntry, NudgeLimitsEntry

_HOUR_MS: Final = 3_600_000
_EXPIRES_HOURS: Final = 48


def compile_nudges(
    nudges: Sequence[NudgeEntry], limits: NudgeLimitsEntry | None
) -> NudgePolicy | None:
    """The nudges of a version; ``None`` if it knows none."""
    if not nudges:
        return None
    limits = limits or NudgeLimitsEntry()
    return NudgePolicy(
        tuple(map(_nudge, nudges)),
        quiet=limits.quiet_hours,
        most=limits.most or 0,
        per_days=limits.per_days or 1,
    )


def _nudge(entry: NudgeEntry) -> Nudge:
    once_per_ms = (entry.once_per_days or 0) * DAY_MS
    if entry.before_offer_ends_hours is not None:
        wait_ms = entry.before_offer_ends_hours * _HOUR_MS
        return Nudge(entry.id, wait_ms=wait_ms, expires_ms=0, once_per_ms=once_per_ms)
    wait = entry.wait
    return Nudge(
        entry.id,
        after=frozenset(entry.after or ()),
        unless=frozenset(entry.unless or ()),
        wait_ms=(wait.hours or 0) * _HOUR_MS + (wait.days or 0) * DAY_MS if wait else 0,
        at_minute=wait.at if wait else None,
        each=entry.anchor == "each",
        expires_ms=(entry.expires_hours or _EXPIRES_HOURS) * _HOUR_MS,
        once_per_ms=once_per_ms,
    )
