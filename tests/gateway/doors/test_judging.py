from __future__ import annotations

from schemas import time_from_ms
from schemas.mini_program import PageViewed
from stream.gateway.doors.judging import BadEvent, Judged, Status, Why
from stream.wechat.heard import Outgoing
from tests.gateway.doors.build import APP, NOW_MS

EVENT = Outgoing(
    "wechat.mini-program",
    "page.viewed.v1",
    "sdk:1",
    time_from_ms(NOW_MS),
    PageViewed(appid=APP, openid="oMei", path="p"),
)


def test_an_accepted_event_is_told_its_id_and_nothing_of_its_data() -> None:
    assert Judged(Status.ACCEPTED, EVENT).as_json() == {"status": "accepted", "id": "sdk:1"}


def test_an_ignored_one_has_no_id_and_a_refused_one_says_why() -> None:
    refused = Judged(Status.REFUSED, why=Why.IN_FUTURE, message="$.events[0].time is ahead.")

    assert Judged(Status.IGNORED).as_json() == {"status": "ignored"}
    assert refused.as_json() == {
        "status": "refused",
        "reason": "in_future",
        "message": "$.events[0].time is ahead.",
    }


def test_a_bad_event_says_why_and_where() -> None:
    bad = BadEvent(Why.TOO_LATE, "$.events[3].time is more than three days ago.")

    assert (bad.why, bad.message) == (Why.TOO_LATE, "$.events[3].time is more than three days ago.")
