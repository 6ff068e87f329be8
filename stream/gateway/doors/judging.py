"""What became of each event of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stream.wechat.heard import Outgoing


class Status(StrEnum):
    """Accepted means that Kafka has it; ignored, that nothing here wants it."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REFUSED = "refused"


class Why(StrEnum):
    """Why an event is refused, in the order in which the causes are looked for."""

    INVALID_EVENT = "invalid_event"
    UNKNOWN_TYPE = "unknown_type"
    NOT_ALLOWED = "not_allowed"
    IN_FUTURE = "in_future"
    TOO_LATE = "too_late"
    INVALID_DATA = "invalid_data"
    REPEATED_ID = "repeated_id"


class BadEvent(Exception):
    """One event of a batch cannot be taken; ``message`` says where and what to do."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(why, message)
        self.why = why
        self.message = message


@dataclass(frozen=True, slots=True)
class Judged:
    """One event of a batch. ``event`` is what to publish, for an accepted one."""

    status: Status
    event: Outgoing | None = None
    why: Why | None = None
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the answer. The id is ours: the one under which the event is in Kafka."""
        told: dict[str, Any] = {"status": self.status}
        if self.event is not None:
            told["id"] = self.event.id
        if self.why is not None:
            told |= {"reason": self.why, "message": self.message}
        return told
