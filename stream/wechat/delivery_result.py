# SPDX-License-Identifier: Apache-2.0
"""The result of handling a delivery: the events to publish, or the reason it was rejected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.base import Closed


@dataclass(frozen=True, slots=True)
class OutboundEvent:
    """An event to publish to ``topic`` (its name without a deployment's prefix).

    ``id`` derives from the business key, so that WeChat's retries give the same one; ``time`` has
    a time zone. ``client`` is the client that reported it, empty for WeChat.
    """

    topic: str
    type: str
    id: str
    time: datetime
    data: Closed
    client: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryAccepted:
    """An accepted delivery. ``kind`` is a word of a closed set, for metrics.

    Without events the delivery is acknowledged and counted only.
    """

    kind: str
    events: tuple[OutboundEvent, ...] = ()


class RejectReason(StrEnum):
    """Why a delivery is rejected; the gateway has an HTTP status for each.

    In order of precedence. The checks of the first group come before parsing, those of the last
    group after it.
    """

    UNKNOWN_PATH = "unknown_path"
    WRONG_METHOD = "wrong_method"
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
    NO_SESSION = "no_session"  # 401: the session token is invalid or has expired
    NOT_ALLOWED = "not_allowed"  # 403: valid, but this sender may not send it
    LIMITED = "limited"  # 429: above the rate limit, ours or WeChat's

    UNAVAILABLE = "unavailable"
    FORWARD_FAILED = "forward_failed"  # 502: the system behind forward_to gave no answer
    INTERNAL = "internal"


class DeliveryRejected(Exception):
    """A rejected delivery. ``message`` says where and what to do; it never repeats the input.

    ``retry_after_s`` is how long to wait before a retry, if known.
    """

    def __init__(
        self, reason: RejectReason, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
