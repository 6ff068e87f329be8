# SPDX-License-Identifier: Apache-2.0
"""The fields that all messages have."""

from __future__ import annotations

import re
from typing import Any

import pytest

from schemas.base import MESSAGE_ID_PATTERN
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason
from stream.wechat.push.account import PushAccount
from stream.wechat.push.body_parser import Node
from stream.wechat.push.events import translate
from stream.wechat.push.message import read_message, real_id
from tests.wechat.push.build import APPID, AT, MEI, account, event, message


def fields(content: dict[str, Any]) -> Node:
    return Node((name, [str(value)]) for name, value in content.items())


def event_of(content: dict[str, Any], of: PushAccount | None = None) -> tuple[OutboundEvent, ...]:
    return translate(read_message(fields(content), of or account())).events


def rejection(content: dict[str, Any]) -> DeliveryRejected:
    with pytest.raises(DeliveryRejected) as caught:
        event_of(content)
    return caught.value


def only_id(content: dict[str, Any]) -> str:
    (event,) = event_of(content)
    return event.id


def test_a_message_is_for_its_account() -> None:
    other = {**event("subscribe"), "ToUserName": "gh_other"}
    assert rejection(other).reason == RejectReason.WRONG_APP
    assert rejection({**other, "ToUserName": ""}).reason == RejectReason.WRONG_APP
    assert event_of(other, account(original_id=None))


@pytest.mark.parametrize("name", ["MsgType", "Event"])
def test_a_message_has_a_type(name: str) -> None:
    content = {k: v for k, v in event("subscribe").items() if k != name}
    assert str(rejection(content)) == f"malformed: {name} is missing."
    assert str(rejection({**content, name: ""})) == f"malformed: {name} is missing."


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "yesterday", "-1", "1e9", "1780000000.5", "２０２６", "0", "123456789"),
        *("1293839999", "4102444800", "1780000000000", "9" * 30),
    ],
)
def test_a_time_is_seconds_of_our_days(wrong: str) -> None:
    rejected = rejection({**event("subscribe"), "CreateTime": wrong})
    assert rejected.reason == RejectReason.MALFORMED
    assert rejected.message.startswith("CreateTime must be seconds since 1970")


def test_the_first_and_the_last_second_are_times() -> None:
    for at in (1293840000, 4102444799):
        (made,) = event_of(event("subscribe", at=at))
        assert made.time.timestamp() == at


def test_an_id_says_nothing_of_the_person_and_fits_an_envelope() -> None:
    made = only_id(event("subscribe", EventKey="qrscene_七"))
    assert re.fullmatch("account.followed.[0-9a-f]{32}", made)
    assert re.fullmatch(MESSAGE_ID_PATTERN, made)


def test_the_same_push_has_the_same_id() -> None:
    assert only_id(event("subscribe")) == only_id(event("SUBSCRIBE"))
    with_ticket = event("SCAN", EventKey="a", Ticket="t")
    assert only_id(event("SCAN", EventKey="a")) == only_id(with_ticket)
    # a message is known by MsgId alone, whatever else a retry says
    assert only_id(message()) == only_id(message(at=AT + 5))


def test_another_push_has_another_id() -> None:
    pushes = [
        *(event("subscribe"), event("subscribe", at=AT + 1), event("subscribe", openid="oLi")),
        *(event("SCAN", EventKey="a"), event("SCAN", EventKey="b"), event("CLICK", EventKey="a")),
        event("scancode_push", EventKey="a"),
        event("user_del_card", CardId="p1", UserCardCode="1"),
        event("user_del_card", CardId="p1", UserCardCode="2"),
        event("user_consume_card", CardId="p1", UserCardCode="1"),
        *(event("user_pay_from_pay_cell", CardId="p1", UserCardCode="1"), message()),
        message(MsgId="6349323426230210996"),
    ]
    ids = [only_id(content) for content in pushes]
    assert len(set(ids)) == len(pushes)
    elsewhere = event_of(event("subscribe"), account(appid="wxother"))
    assert elsewhere[0].id not in ids


def test_two_events_of_one_push_have_two_ids() -> None:
    unfollowed, paused = event_of(event("unsubscribe"))
    assert unfollowed.id != paused.id


def test_a_number_of_64_bits_is_kept_to_its_last_digit() -> None:
    (made,) = event_of(message(MsgId="9223372036854775807"))
    assert made.data.model_dump()["msg_id"] == "9223372036854775807"
    for wrong in ("9223372036854775808", "-1", "1e5", "0x1"):
        rejected = rejection(message(MsgId=wrong))
        assert rejected.message == "MsgId must be an integer of at most 64 bits."


def test_a_rejection_never_repeats_what_was_sent() -> None:
    secret = "o/Secret"
    for content in (
        *(event("subscribe", openid=secret), event("user_del_card", CardId=secret)),
        *(message(secret), message(MsgId=secret), {**event("subscribe"), "CreateTime": secret}),
        {**event("subscribe"), "ToUserName": secret},
    ):
        assert "ecret" not in str(rejection(content))


def test_a_placeholder_is_no_id() -> None:
    assert real_id(MEI) == MEI
    assert [real_id(text) for text in ("", "UNIONID", "unionId", "fromUser")] == [None] * 4
    assert only_id(event("subscribe"))
    assert event_of(event("subscribe"))[0].data.model_dump(exclude_none=True) == {
        "appid": APPID,
        "openid": MEI,
    }
