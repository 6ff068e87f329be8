# SPDX-License-Identifier: Apache-2.0
"""Decide what becomes of each event: sent now, sent again, delivered, or a dead letter.

No I/O, clock or randomness: times and shares are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas import Reason
from schemas.erased import RECORD_ERASED
from stream.webhooks.event_json import NotAnEvent, webhook_of
from stream.webhooks.retry_policy import (
    TOO_MANY_REQUESTS,
    RefusalCount,
    Reply,
    Verdict,
    pause_ms,
)
from stream.webhooks.schedule import Delivery, Schedule

DELIVERED: Final = "delivered"
ERASED: Final = "erased"  # while it waited
TROUBLE_MS: Final = 30_000  # without any success; then the process is not ready


@dataclass(frozen=True, slots=True)
class Dead:
    """The event becomes a dead letter."""

    reason: Reason
    message: str


class Deliveries:
    """Events read and not done. ``give_up_ms`` counts from ``started_ms`` at the earliest."""

    def __init__(self, at_once: int, give_up_ms: int, started_ms: int) -> None:
        self.schedule = Schedule(at_once)
        self._give_up_ms, self._started_ms = give_up_ms, started_ms
        self._refusals = RefusalCount()
        self._last_reply = Reply(None)
        self._failing_since_ms: int | None = None

    def take(self, record: Any) -> list[Delivery]:
        """Take a record in; returns deliveries that it ended, since it says they are erased."""
        partition = record.topic, record.partition
        try:
            webhook = webhook_of(record.headers, record.value)
        except NotAnEvent:  # a dead letter when its turn comes, which waits for nobody
            self.schedule.add(partition, f"@{record.offset}", Delivery("", record))
            return []
        lane, removed = webhook.subject, list[Delivery]()
        if webhook.type == RECORD_ERASED:
            before, removed = self.schedule.erase(partition, webhook.subject)
            lane = lane if before is None else before
        self.schedule.add(partition, lane, Delivery(webhook.id, record, len(webhook.body)))
        return removed

    def replied(
        self, delivery: Delivery, reply: Reply, now_ms: int, share: float
    ) -> str | Dead | None:
        """What a reply makes of a delivery; ``None``: it is sent again. ``share`` is random."""
        self._note(reply, now_ms)
        delivery.attempts += 1
        if reply.verdict is Verdict.DELIVERED:
            return DELIVERED
        if delivery.erased:
            return ERASED
        deadline_ms = max(int(delivery.record.timestamp), self._started_ms) + self._give_up_ms
        refused = reply.verdict is Verdict.REFUSED
        if now_ms >= deadline_ms or (refused and not self._refusals.all_refused):
            reason = Reason.WEBHOOK_REFUSED if refused else Reason.WEBHOOK_FAILED
            return Dead(reason, _why(reason, reply, delivery.attempts))
        pause = pause_ms(delivery.attempts, reply.retry_after_ms, share)
        if reply.status == TOO_MANY_REQUESTS and reply.retry_after_ms:
            self.schedule.pause(now_ms + pause)
        self.schedule.again(delivery, min(now_ms + pause, deadline_ms))
        return None

    def trouble(self, now_ms: int) -> list[str]:
        """What is wrong with the receiver, in a sentence, if it goes on."""
        since_ms = self._failing_since_ms
        if since_ms is None or now_ms - since_ms < TROUBLE_MS or not self.schedule.total:
            return []
        did = "refused all events" if self._refusals.all_refused else "took no event"
        return [f"the receiver {did} for {(now_ms - since_ms) // 1000} s ({self._last_reply})"]

    def _note(self, reply: Reply, now_ms: int) -> None:
        self._refusals.add(reply.verdict)
        self._last_reply = reply
        if reply.verdict is Verdict.DELIVERED:
            self._failing_since_ms = None
        elif self._failing_since_ms is None:
            self._failing_since_ms = now_ms


def _why(reason: Reason, reply: Reply, attempts: int) -> str:
    does = "refuses the event" if reason is Reason.WEBHOOK_REFUSED else "did not take the event"
    tried = f"{attempts} attempts" if attempts > 1 else "one attempt"
    return (
        f"The receiver {does} ({reply}, after {tried}); when it is mended, run: "
        "shadowpoints webhooks replay."
    )
