# SPDX-License-Identifier: Apache-2.0
"""What a receiver's reply means, and how long to wait before the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum, unique
from typing import Final

PAUSE_MS: Final = (1_000, 300_000)  # the first pause, and the longest
RETRY_AFTER_MAX_MS: Final = 3_600_000  # the longest pause that a receiver may ask for
#: So many refusals one after the other say that the receiver is wrong, not the events.
REFUSALS_MAX: Final = 20

TOO_MANY_REQUESTS: Final = 429
#: Statuses below 500 that ask for another attempt: Request Timeout, Too Early, Too Many Requests.
_TRY_AGAIN: Final = frozenset({408, 425, TOO_MANY_REQUESTS})


@unique
class Verdict(StrEnum):
    """What became of one request."""

    DELIVERED = "delivered"
    FAILED = "failed"  # another attempt may succeed
    REFUSED = "refused"  # another attempt would be refused, too


@dataclass(frozen=True, slots=True)
class Reply:
    """A receiver's reply; without ``status`` there was none, and ``problem`` says why."""

    status: int | None
    problem: str = ""
    retry_after_ms: int = 0  # 0: the receiver does not say

    @property
    def verdict(self) -> Verdict:
        if self.status is None or self.status >= 500 or self.status in _TRY_AGAIN:
            return Verdict.FAILED
        return Verdict.DELIVERED if 200 <= self.status < 300 else Verdict.REFUSED

    def __str__(self) -> str:
        return self.problem if self.status is None else f"status {self.status}"


def pause_ms(attempts: int, retry_after_ms: int, share: float) -> int:
    """The pause after so many failed attempts: twice the one before, and half of it by chance.

    ``share`` is random, from 0 to 1. A longer ``Retry-After`` holds, up to an hour.
    """
    first, longest = PAUSE_MS
    pause = min(longest, first << min(attempts - 1, 30))
    return max(int(pause * (0.5 + share / 2)), min(retry_after_ms, RETRY_AFTER_MAX_MS))


def read_retry_after(text: str | None, now_ms: int) -> int:
    """``Retry-After`` in ms from now, given as seconds or as a date (RFC 9110, 10.2.3)."""
    if not text:
        return 0
    if text.isascii() and text.isdecimal():
        return min(int(text[:12]) * 1000, RETRY_AFTER_MAX_MS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, min(int(moment.timestamp() * 1000) - now_ms, RETRY_AFTER_MAX_MS))


class RefusalCount:
    """Tells refused events from a receiver that refuses all: a wrong URL, another secret."""

    def __init__(self) -> None:
        self._in_a_row = 0

    @property
    def all_refused(self) -> bool:
        return self._in_a_row >= REFUSALS_MAX

    def add(self, verdict: Verdict) -> None:
        if verdict is Verdict.DELIVERED:
            self._in_a_row = 0
        elif verdict is Verdict.REFUSED:
            self._in_a_row += 1
