# SPDX-License-Identifier: Apache-2.0
"""The result of each event of a batch: accepted, ignored, or rejected with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stream.wechat.delivery_result import OutboundEvent


class Status(StrEnum):
    """Accepted: Kafka has it. Ignored: it is not a touchpoint."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why an event is rejected, in the order of the checks."""

    NO_SESSION = "no_session"
    INVALID_EVENT = "invalid_event"
    UNKNOWN_TYPE = "unknown_type"
    NOT_ALLOWED = "not_allowed"
    INVALID_DATA = "invalid_data"
    IN_FUTURE = "in_future"
    TIMES_DIFFER = "times_differ"
    TOO_LATE = "too_late"
    UNKNOWN_APP = "unknown_app"
    REPEATED_ID = "repeated_id"


class EventRejected(Exception):
    """An event of a batch is invalid or not allowed; ``message`` says where and what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class EventResult:
    """The result of one event; ``event`` is what to publish, if it was accepted."""

    status: Status
    event: OutboundEvent | None = None
    reason: Reason | None = None
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the response. ``id`` is the event's id in Kafka."""
        result: dict[str, Any] = {"status": self.status}
        if self.event is not None:
            result["id"] = self.event.id
        if self.reason is not None:
            result |= {"reason": self.reason, "message": self.message}
        return result
