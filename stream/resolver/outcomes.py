"""How questions end, in words for metrics."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stream.resolver.asks import Api, Ask


class Outcome(StrEnum):
    """How an ask ends."""

    BOUND = "bound"  # its Union ID is known now
    KNOWN = "known"  # and was before
    NO_UNIONID = "no_unionid"  # WeChat has none: a payer who does not follow
    ERASED = "erased"  # the person was forgotten since, so nobody asks
    REFUSED = "refused"  # WeChat has no answer to this question
    LATE_EVENT = "late_event"  # missed: the event reached Kafka when it was too late to ask
    LATE_READ = "late_read"  # missed: it was in time, and read too late
    LATE_ANSWER = "late_answer"  # missed: no answer came in time
    OVER_QUOTA = "over_quota"  # missed: no calls were left
    APP_REFUSED = "app_refused"  # missed: WeChat refuses the app
    OVERFLOW = "overflow"  # missed: too much waited already


MISSED: Final = frozenset(
    {
        Outcome.LATE_EVENT,
        Outcome.LATE_READ,
        Outcome.LATE_ANSWER,
        Outcome.OVER_QUOTA,
        Outcome.APP_REFUSED,
        Outcome.OVERFLOW,
    }
)


@dataclass(frozen=True, slots=True)
class Ended:
    """An ask is done with. ``tag`` is what it came with."""

    ask: Ask
    outcome: Outcome
    tag: Hashable


@dataclass(frozen=True, slots=True)
class Call:
    """One request to WeChat, about one origin or, with batchget, about up to a hundred."""

    api: Api
    appid: str
    asks: tuple[Ask, ...]

    @property
    def by_ms(self) -> int:
        """When the first of its asks is too late."""
        return min(ask.by_ms for ask in self.asks)
