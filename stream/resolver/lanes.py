"""What one app may ask one interface: its pace, its quota of the day, and when not at all. Pure."""

from __future__ import annotations

from typing import Final

from stream.engine.calendar import day_of, start_of
from stream.resolver.outcomes import Outcome
from stream.resolver.replies import Verdict

SLOWER_MS: Final = 60_000
REST_MS: Final = 600_000  # of an app which WeChat refuses
_BURST_US: Final = 1_000_000  # as many at once as a second allows


class Lane:
    """Calls are planned one after the other; the plan may be ahead of the clock by a second.

    The quota is that of a Shanghai day: WeChat's days are Beijing's.
    """

    def __init__(self, calls_per_s: int, daily_calls_max: int) -> None:
        self._each_us = 1_000_000 // calls_per_s
        self._planned_us = 0
        self._daily_calls_max = daily_calls_max
        self._day = 0
        self._used = 0
        self._closed_ms = 0
        self._why = Outcome.LATE_ANSWER

    def opens_ms(self, now_ms: int) -> int:
        """When the next call may be made; now, or later."""
        if not self.left(now_ms):
            return max(self._closed_ms, start_of(day_of(now_ms) + 1))
        wait_us = self._planned_us + self._each_us - _BURST_US
        return max(now_ms, self._closed_ms, -(-wait_us // 1000))

    def why_closed(self, now_ms: int) -> Outcome | None:
        """What those end as whose time ends now; ``None``: the lane is open."""
        if self._closed_ms > now_ms:
            return self._why
        return None if self.left(now_ms) else Outcome.OVER_QUOTA

    def left(self, now_ms: int) -> int:
        """Calls which are left of today's quota; none if WeChat said so."""
        if self._day != (day := day_of(now_ms)):
            self._day, self._used = day, 0
        said_so = self._closed_ms >= start_of(day + 1) and self._why is Outcome.OVER_QUOTA
        return 0 if said_so else max(0, self._daily_calls_max - self._used)

    def spend(self, now_ms: int) -> None:
        """A call is made now."""
        self._planned_us = max(self._planned_us, now_ms * 1000) + self._each_us
        self._used += 1

    def spent(self, calls: int, now_ms: int) -> None:
        """So many calls were made today by all processes together."""
        self.left(now_ms)
        self._used = max(self._used, calls)

    def mind(self, verdict: Verdict, now_ms: int) -> None:
        """Close the lane if an answer says so."""
        match verdict:
            case Verdict.QUOTA:
                self._close(start_of(day_of(now_ms) + 1), Outcome.OVER_QUOTA)
            case Verdict.SLOWER:
                self._close(now_ms + SLOWER_MS, Outcome.OVER_QUOTA)
            case Verdict.APP_REFUSED:
                self._close(now_ms + REST_MS, Outcome.APP_REFUSED)

    def _close(self, until_ms: int, why: Outcome) -> None:
        if until_ms > self._closed_ms:
            self._closed_ms, self._why = until_ms, why
