# SPDX-License-Identifier: Apache-2.0
"""Limit an app's calls of one interface: rate, daily quota, pauses after refusals. Pure."""

from __future__ import annotations

from typing import Final

from stream.engine.model.calendar import day_of, start_of
from stream.resolver.api_replies import Verdict
from stream.resolver.lookup_results import LookupOutcome

SLOWER_MS: Final = 60_000
PAUSE_MS: Final = 600_000  # for an app that WeChat refuses
_BURST_US: Final = 1_000_000  # calls of one second may be made at once


class RateLimit:
    """Spaces calls evenly; they may run ahead of the clock by a second.

    The quota is for a Shanghai day: WeChat counts by Beijing time.
    """

    def __init__(self, calls_per_s: int, daily_calls_max: int) -> None:
        self._each_us = 1_000_000 // calls_per_s
        self._planned_us = 0
        self._daily_calls_max = daily_calls_max
        self._day = 0
        self._used = 0
        self._paused_until_ms = 0
        self._pause_reason = LookupOutcome.LATE_ANSWER

    def next_call_ms(self, now_ms: int) -> int:
        """When the next call may be made: now, or later."""
        if not self.calls_left(now_ms):
            return max(self._paused_until_ms, start_of(day_of(now_ms) + 1))
        wait_us = self._planned_us + self._each_us - _BURST_US
        return max(now_ms, self._paused_until_ms, -(-wait_us // 1000))

    def why_blocked(self, now_ms: int) -> LookupOutcome | None:
        """The outcome of lookups whose deadline passes now; ``None`` while calls are allowed."""
        if self._paused_until_ms > now_ms:
            return self._pause_reason
        return None if self.calls_left(now_ms) else LookupOutcome.OVER_QUOTA

    def calls_left(self, now_ms: int) -> int:
        """Calls left of today's quota; 0 if WeChat says that it is used up."""
        if self._day != (day := day_of(now_ms)):
            self._day, self._used = day, 0
        used_up = (
            self._paused_until_ms >= start_of(day + 1)
            and self._pause_reason is LookupOutcome.OVER_QUOTA
        )
        return 0 if used_up else max(0, self._daily_calls_max - self._used)

    def count_call(self, now_ms: int) -> None:
        """Count a call made now."""
        self._planned_us = max(self._planned_us, now_ms * 1000) + self._each_us
        self._used += 1

    def raise_count(self, calls: int, now_ms: int) -> None:
        """Take over the number of calls that all processes made today."""
        self.calls_left(now_ms)  # a new day begins at 0
        self._used = max(self._used, calls)

    def apply_verdict(self, verdict: Verdict, now_ms: int) -> None:
        """Pause the calls if the reply requires it."""
        match verdict:
            case Verdict.QUOTA:
                self._pause(start_of(day_of(now_ms) + 1), LookupOutcome.OVER_QUOTA)
            case Verdict.SLOWER:
                self._pause(now_ms + SLOWER_MS, LookupOutcome.OVER_QUOTA)
            case Verdict.APP_REFUSED:
                self._pause(now_ms + PAUSE_MS, LookupOutcome.APP_REFUSED)

    def _pause(self, until_ms: int, why: LookupOutcome) -> None:
        if until_ms > self._paused_until_ms:
            self._paused_until_ms, self._pause_reason = until_ms, why
