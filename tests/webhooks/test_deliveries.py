# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from schemas import Reason, binary_headers, erased_headers
from stream.webhooks.deliveries import DELIVERED, ERASED, TROUBLE_MS, Dead, Deliveries
from stream.webhooks.retry_policy import REFUSALS_MAX, Reply
from stream.webhooks.schedule import Delivery

NOW_MS = 1_767_225_600_000
GIVE_UP_MS = 60_000
OK, BUSY, BAD = Reply(204), Reply(503), Reply(400)


@dataclass
class Event:
    """A record of an event, or of the erasure of one."""

    id: str
    subject: str
    offset: int = 0
    timestamp: int = NOW_MS
    erased: bool = False
    topic: str = "shadow.offers"
    partition: int = 0
    value: bytes | None = field(init=False)
    headers: list[tuple[str, bytes]] = field(init=False)

    def __post_init__(self) -> None:
        self.value = None if self.erased else b"{}"
        if self.erased:
            self.headers = list(erased_headers(self.id, "urn:x", NOW_MS, self.subject))
        else:
            self.headers = binary_headers("a.b.v1", self.id, "urn:x", NOW_MS, self.subject)


def deliveries(*events: Event, at_once: int = 100, started_ms: int = NOW_MS) -> Deliveries:
    found = Deliveries(at_once, GIVE_UP_MS, started_ms)
    for event in events:
        assert found.take(event) == []
    return found


def replied(on: Deliveries, delivery: Delivery, reply: Reply, now_ms: int) -> str | Dead | None:
    outcome = on.replied(delivery, reply, now_ms, 1.0)
    if outcome is not None:
        on.schedule.done(delivery)
    return outcome


def test_a_failure_is_tried_until_the_time_is_over_and_once_more_at_its_end() -> None:
    on, attempts_ms = deliveries(Event("e-1", "mei")), []
    now_ms, outcome = NOW_MS, None
    while outcome is None:
        (delivery,) = on.schedule.start(now_ms)
        attempts_ms.append(now_ms - NOW_MS)
        outcome = replied(on, delivery, BUSY, now_ms)
        now_ms = on.schedule.next_ms() or 0
    assert attempts_ms == [0, 1_000, 3_000, 7_000, 15_000, 31_000, 60_000]
    assert isinstance(outcome, Dead)
    assert outcome.reason is Reason.WEBHOOK_FAILED
    assert "(status 503, after 7 attempts)" in outcome.message


@pytest.mark.parametrize(
    ("record_ms", "started_ms", "gives_up_ms"),
    [(0, 0, GIVE_UP_MS), (-GIVE_UP_MS * 9, 0, GIVE_UP_MS), (500, -900_000, GIVE_UP_MS + 500)],
)
def test_the_time_begins_with_the_record_or_with_the_process(
    record_ms: int, started_ms: int, gives_up_ms: int
) -> None:
    event = Event("e-1", "mei", timestamp=NOW_MS + record_ms)
    on = deliveries(event, started_ms=NOW_MS + started_ms)
    (delivery,) = on.schedule.start(NOW_MS)
    assert on.replied(delivery, Reply(503, retry_after_ms=10**6), NOW_MS, 0.5) is None
    assert on.schedule.next_ms() == NOW_MS + gives_up_ms


def test_what_is_refused_is_dead_at_once_unless_all_is_refused() -> None:
    on = deliveries(*(Event(f"e-{n}", f"p-{n}") for n in range(REFUSALS_MAX + 5)))
    outcomes = [replied(on, d, BAD, NOW_MS) for d in on.schedule.start(NOW_MS)]
    dead = [outcome.reason for outcome in outcomes if isinstance(outcome, Dead)]
    assert dead == [Reason.WEBHOOK_REFUSED] * (REFUSALS_MAX - 1)
    assert outcomes[len(dead) :] == [None] * 6
    assert on.trouble(NOW_MS + TROUBLE_MS - 1) == []
    assert on.trouble(NOW_MS + TROUBLE_MS) == [
        "the receiver refused all events for 30 s (status 400)"
    ]

    # mended, the receiver takes one, and refuses another for what it is
    first, second, *rest = on.schedule.start(NOW_MS + 1_000)
    assert replied(on, first, OK, NOW_MS + 1_000) == DELIVERED
    assert isinstance(replied(on, second, BAD, NOW_MS + 1_000), Dead)
    # those that are still refused when the time is over are dead as well
    for delivery in rest:
        assert isinstance(replied(on, delivery, BAD, NOW_MS + GIVE_UP_MS), Dead)
    assert on.trouble(NOW_MS + 10**9) == []  # nothing waits


def test_too_many_requests_holds_back_all_and_other_failures_one_consumer() -> None:
    on = deliveries(*(Event(f"e-{n}", f"p-{n}") for n in range(4)), at_once=1)
    (first,) = on.schedule.start(NOW_MS)
    replied(on, first, Reply(503, retry_after_ms=9_000), NOW_MS)
    (second,) = on.schedule.start(NOW_MS)
    replied(on, second, Reply(429), NOW_MS)
    (third,) = on.schedule.start(NOW_MS)
    replied(on, third, Reply(429, retry_after_ms=5_000), NOW_MS)
    assert on.schedule.start(NOW_MS + 4_999) == []
    assert on.schedule.next_ms() == NOW_MS + 5_000
    assert len(on.schedule.start(NOW_MS + 5_000)) == 1


def test_an_event_that_is_erased_while_it_waits_goes_out_no_more_and_its_erasure_last() -> None:
    on = deliveries(Event("e-1", "mei"), Event("e-2", "mei"))
    (first,) = on.schedule.start(NOW_MS)
    (ended,) = on.take(Event("t-2", "e-2", erased=True))
    assert (ended.id, on.take(Event("t-1", "e-1", erased=True))) == ("e-2", [])
    assert replied(on, first, BUSY, NOW_MS) == ERASED
    for expected in ("t-2", "t-1"):
        (delivery,) = on.schedule.start(NOW_MS)
        assert (delivery.id, replied(on, delivery, OK, NOW_MS)) == (expected, DELIVERED)
    assert on.schedule.total == 0


def test_what_is_no_event_waits_for_nobody() -> None:
    broken = Event("e-2", "mei", offset=7)
    broken.headers = []
    on = deliveries(Event("e-1", "mei"), broken)
    assert [delivery.id for delivery in on.schedule.start(NOW_MS)] == ["e-1", ""]
