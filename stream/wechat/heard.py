"""What a delivery of WeChat's came to: events to publish, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.base import Closed


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event to publish on ``topic`` (its name without a deployment's prefix).

    ``id`` derives from the business key, so that WeChat's retries give the same one; ``time`` is
    aware.
    """

    topic: str
    type: str
    id: str
    time: datetime
    data: Closed


@dataclass(frozen=True, slots=True)
class Heard:
    """An accepted delivery. ``kind`` is a word of a closed set, for counting.

    No events: nothing in it concerns us, and WeChat is told that it was received.
    """

    kind: str
    events: tuple[Outgoing, ...] = ()


class Refusal(StrEnum):
    """Why a delivery is not accepted; the gateway has a status for each.

    In order of precedence. The first group is found before a delivery is read, the last after it
    was understood.
    """

    UNKNOWN_PLACE = "unknown_place"
    OVERLOADED = "overloaded"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"

    UNKNOWN_ACCOUNT = "unknown_account"
    UNAUTHORISED = "unauthorised"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    REPLAYED = "replayed"
    UNDECRYPTABLE = "undecryptable"
    WRONG_APP = "wrong_app"
    MALFORMED = "malformed"
    NO_SESSION = "no_session"  # 401: the session token is none of ours, or has expired
    NOT_ALLOWED = "not_allowed"  # 403: understood, and not for this sender
    LIMITED = "limited"  # 429: WeChat takes no more of this for now

    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class NotHeard(Exception):
    """Bad input. ``message`` says where and what to do; it never repeats what was sent."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
