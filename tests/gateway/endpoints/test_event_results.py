# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import time_from_ms
from schemas.mini_program import PageViewed
from stream.gateway.endpoints.event_results import EventRejected, EventResult, Reason, Status
from stream.wechat.delivery_result import OutboundEvent
from tests.gateway.endpoints.build import APP, NOW_MS

EVENT = OutboundEvent(
    "wechat.mini-program",
    "page.viewed.v1",
    "sdk:1",
    time_from_ms(NOW_MS),
    PageViewed(appid=APP, openid="oMei", path="p"),
)


def test_the_result_of_an_accepted_event_has_its_id_and_none_of_its_data() -> None:
    assert EventResult(Status.ACCEPTED, EVENT).as_json() == {"status": "accepted", "id": "sdk:1"}


def test_an_ignored_one_has_no_id_and_a_rejected_one_says_why() -> None:
    rejected = EventResult(
        Status.REJECTED, reason=Reason.IN_FUTURE, message="$.events[0].time is ahead."
    )

    assert EventResult(Status.IGNORED).as_json() == {"status": "ignored"}
    assert rejected.as_json() == {
        "status": "rejected",
        "reason": "in_future",
        "message": "$.events[0].time is ahead.",
    }


def test_a_bad_event_says_why_and_where() -> None:
    bad = EventRejected(Reason.TOO_LATE, "$.events[3].time is more than three days ago.")

    assert (bad.reason, bad.message) == (
        Reason.TOO_LATE,
        "$.events[3].time is more than three days ago.",
    )
