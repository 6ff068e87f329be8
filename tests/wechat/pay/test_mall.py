# SPDX-License-Identifier: Apache-2.0
"""A mall's authorisations, payments and refunds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.mall import read_mall_authorisation, read_mall_payment, read_mall_refund
from stream.wechat.pay.merchant import Merchant
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import MCHID, MINI_PROGRAM, OPENID, SHAPES, TRANSACTION

MERCHANT = merchant()
READERS = {
    "mall payment": read_mall_payment,
    "mall refund": read_mall_refund,
    "mall authorisation": read_mall_authorisation,
}


def read(shape: str, by: Merchant = MERCHANT, **changes: Any) -> DeliveryAccepted:
    return READERS[shape](SHAPES[shape].notification(**changes), by)


def data(accepted: DeliveryAccepted, number: int = 0) -> dict[str, Any]:
    return accepted.events[number].data.model_dump(mode="json", exclude_none=True)


def test_a_payment_in_a_shop_of_the_mall() -> None:
    accepted = read("mall payment", commit_tag="MANUAL")
    assert data(accepted) == {
        "mchid": MCHID,
        "appid": MINI_PROGRAM,
        "openid": OPENID,
        "transaction_id": TRANSACTION,
        "merchant_name": "滨江天地",
        "shop_name": "重庆烤鱼（滨江店）",
        "shop_number": "50001",
        "amount": 2000,
        "time_end": "2026-03-01T05:29:35.000Z",
        "commit_tag": "MANUAL",
    }
    (event,) = accepted.events
    assert event.id == f"mall-payment:{TRANSACTION}"
    assert event.time == datetime(2026, 3, 1, 5, 29, 35, tzinfo=UTC)


def test_a_refund_of_one() -> None:
    accepted = read("mall refund")
    result = data(accepted)
    assert (result["pay_amount"], result["refund_amount"]) == (2000, 1000)
    (event,) = accepted.events
    assert event.id == "mall-refund:50000000002026030200000000002"
    assert event.time == datetime(2026, 3, 2, 4, 13, 50, tzinfo=UTC)


def test_an_authorisation_says_who_it_is_and_consents() -> None:
    accepted = read("mall authorisation")
    authorised, consented = accepted.events
    assert data(accepted) == {
        "appid": MINI_PROGRAM,
        "openid": OPENID,
        "mchid": MCHID,
        "auth_type": "REGISTERED_AND_AUTHORIZATION_MODE",
    }
    assert data(accepted, 1) == {
        "appid": MINI_PROGRAM,
        "openid": OPENID,
        "text_version": "mall-2026-01",
        "channel": "mall",
    }
    assert (authorised.topic, consented.topic) == ("wechat.pay", "privacy.requests")
    assert authorised.time == consented.time == datetime(2026, 3, 1, tzinfo=UTC)


def test_the_card_alone_is_no_consent() -> None:
    accepted = read("mall authorisation", auth_type="REGISTERED_MODE ")
    assert [event.type for event in accepted.events] == ["mall.authorised.v1"]


def test_without_a_text_there_is_no_consent() -> None:
    accepted = read("mall authorisation", merchant(mall_consent_text=None))
    assert [event.type for event in accepted.events] == ["mall.authorised.v1"]


def test_without_the_app_an_openid_is_nobody() -> None:
    result = read("mall authorisation", merchant(mall_appid=None))
    assert result == DeliveryAccepted(Kind.MALL_APP_NOT_SET)


def test_ids_tell_facts_apart() -> None:
    first = read("mall authorisation")
    assert first == read("mall authorisation")
    other_card = read("mall authorisation", code="478500000002")
    other_mode = read("mall authorisation", auth_type="REGISTERED_MODE")
    ids = {accepted.events[0].id for accepted in (first, other_card, other_mode)}
    assert len(ids) == 3


def test_who_agrees_again_says_something_new() -> None:
    """Not so an authorisation: it is the same fact."""
    notification = SHAPES["mall authorisation"].notification()
    later = replace(notification, create_time="2026-04-01T08:00:00+08:00")
    first, second = (
        read_mall_authorisation(result, MERCHANT).events for result in (notification, later)
    )
    assert first[0].id == second[0].id
    assert first[1].id != second[1].id


@pytest.mark.parametrize(
    ("shape", "changes", "place"),
    [
        ("mall payment", {"time_end": ...}, "time_end"),
        ("mall payment", {"amount": "20.00"}, "amount"),
        ("mall payment", {"openid": ...}, "openid is missing"),
        ("mall payment", {"appid": ""}, "appid is missing"),
        ("mall refund", {"refund_time": ...}, "refund_time"),
        ("mall refund", {"refund_id": ...}, "refund_id is missing"),
        ("mall refund", {"refund_amount": 2001}, "refund_amount must not be above"),
        ("mall authorisation", {"openid": ...}, "openid is missing"),
        ("mall authorisation", {"auth_type": "ANOTHER"}, "auth_type"),
        ("mall authorisation", {"auth_type": 5}, "auth_type"),
    ],
)
def test_what_is_none_is_rejected_with_its_place(
    shape: str, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read(shape, **changes)
    assert caught.value.reason is RejectReason.MALFORMED
    assert place in caught.value.message


@pytest.mark.parametrize("code", [..., None, 5, [], {"a": 1}, "x" * 1000])
def test_whatever_a_card_code_is(code: Any) -> None:
    assert len(read("mall authorisation", code=code).events) == 2
