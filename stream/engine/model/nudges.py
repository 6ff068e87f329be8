# SPDX-License-Identifier: Apache-2.0
"""Nudges, as one version of the rules defines them: plain values.

A nudge is due some time after the consumer did something (its *anchor*), unless something else
happened since. It is a condition on facts and time; no timer is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stream.engine.model.calendar import DAY_MS, day_of, start_of
from stream.engine.model.schedule import Span
from stream.engine.model.touchpoints import Touchpoint

_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Nudge:
    """A reminder ``wait_ms`` after the latest of some touchpoints, or before an offer ends.

    It is void once one of ``unless`` happens after the anchor, and over ``expires_ms`` after it
    became due.
    """

    id: str
    after: frozenset[Touchpoint] = frozenset()  # none: before the live offer ends
    unless: frozenset[Touchpoint] = frozenset()
    wait_ms: int = 0  # before the end of the offer, where there is no touchpoint
    at_minute: int | None = None  # of the day after the wait, a number of days
    each: bool = False  # the last anchor of each day counts by itself, not the very last alone
    expires_ms: int = 2 * DAY_MS
    once_per_ms: int = 0  # not told again so soon after the last time; 0: always

    def due_at(self, anchor: int) -> int:
        """When it is due, ms; quiet hours apart."""
        if not self.after:
            return anchor - self.wait_ms
        if self.at_minute is None:
            return anchor + self.wait_ms
        day = start_of(day_of(anchor) + self.wait_ms // DAY_MS)
        return max(anchor, day + self.at_minute * _MINUTE_MS)

    def ends_at(self, anchor: int, due: int) -> int:
        """When it is over, ms."""
        return due + self.expires_ms if self.after else anchor


@dataclass(frozen=True, slots=True)
class NudgePolicy:
    """All nudges of a version: those which come first are told first.

    A nudge waits for the end of ``quiet`` hours, and while ``most`` (0: any number) were told in
    the last ``per_days`` Shanghai days, today being one of them.
    """

    nudges: tuple[Nudge, ...]
    quiet: Span | None = None  # minutes of a day, and of the next one
    most: int = 0
    per_days: int = 1
    #: By touchpoint that matters, for how long (ms) each of its days does; 0: its last touch alone.
    wanted: Mapping[int, int] = field(
        init=False, hash=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        wanted: dict[int, int] = {}
        for nudge in self.nudges:
            reach = nudge.wait_ms + nudge.expires_ms + 2 * DAY_MS if nudge.each else 0
            for touchpoint in nudge.after:
                wanted[touchpoint] = max(reach, wanted.get(touchpoint, 0))
            for touchpoint in nudge.unless:
                wanted.setdefault(touchpoint, 0)
        object.__setattr__(self, "wanted", wanted)

    @property
    def days(self) -> int:
        """How many days after a touch it may still matter."""
        longest = max((n.wait_ms + n.expires_ms for n in self.nudges), default=0)
        return -(-longest // DAY_MS) + 2

    def audible(self, time: int) -> int:
        """The first instant (ms) from ``time`` on that is not within quiet hours."""
        if self.quiet is None:
            return time
        midnight = start_of(day_of(time))
        for day in (midnight - DAY_MS, midnight):
            start, end = (day + minute * _MINUTE_MS for minute in self.quiet)
            if start <= time < end:
                return end
        return time
