# SPDX-License-Identifier: Apache-2.0
"""Refunds that reached the payer, and those that did not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.refunds import read_refund
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import PROVIDER_MCHID, SHAPES, SHOP_MCHID

MERCHANT = merchant()


def read(shape: str, event_type: str = "", /, **changes: Any) -> DeliveryAccepted:
    return read_refund(SHAPES[shape].notification(event_type, **changes), MERCHANT)


def test_a_refund_is_kept_without_the_receiving_account() -> None:
    accepted = read("refund")
    (event,) = accepted.events
    expected = SHAPES["refund"].with_(
        user_received_account=..., success_time="2026-03-02T02:34:56.000Z"
    )
    assert event.data.model_dump(mode="json", exclude_none=True) == expected
    assert accepted.kind is Kind.REFUND
    assert event.id == "refund:50000000002026030200000000001"
    assert event.time == datetime(2026, 3, 2, 2, 34, 56, tzinfo=UTC)


def test_a_refund_through_a_provider() -> None:
    accepted = read("partner refund")
    result: Any = accepted.events[0].data
    assert accepted.kind is Kind.PARTNER_REFUND
    assert (result.sp_mchid, result.sub_mchid) == (PROVIDER_MCHID, SHOP_MCHID)


@pytest.mark.parametrize("status", ["CLOSED", "ABNORMAL"])
@pytest.mark.parametrize("shape", ["refund", "partner refund"])
def test_a_refund_that_was_not_made_is_only_counted(shape: str, status: str) -> None:
    result = read(shape, f"REFUND.{status}", refund_status=status, success_time=...)
    assert result == DeliveryAccepted(Kind.REFUND_NOT_MADE)


def test_numbers_of_the_merchants_decide_nothing() -> None:
    result: Any = read("refund", out_trade_no="早餐 1", out_refund_no=...).events[0].data
    assert (result.out_trade_no, result.out_refund_no) == (None, None)


def test_a_payload_that_is_no_refund_is_only_counted() -> None:
    result = read("refund", refund_id=..., amount=...)
    assert result == DeliveryAccepted(Kind.NO_REFUND)


def test_the_status_decides_and_not_the_event_type() -> None:
    assert read("refund", "REFUND.CLOSED").events
    assert not read("refund", "REFUND.SUCCESS", refund_status="CLOSED").events


def test_a_refund_of_a_price_in_another_currency() -> None:
    """The payer's share stands for it, as for the payment."""
    (event,) = read("refund", amount__currency="HKD", amount__payer_currency="CNY").events
    result: Any = event.data
    assert (result.amount.total, result.amount.refund) == (2300, 1150)
    assert result.amount.currency == "CNY"


def test_a_refund_in_another_currency_is_only_counted() -> None:
    foreign = read("refund", amount__currency="HKD", amount__payer_currency="HKD")
    assert foreign == DeliveryAccepted(Kind.FOREIGN_CURRENCY)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"refund_id": ...}, "refund_id is missing"),
        ({"transaction_id": 42}, "transaction_id"),
        ({"refund_status": "PROCESSING"}, "refund_status"),
        ({"refund_status": ["CLOSED"]}, "refund_status"),
        ({"success_time": ...}, "success_time"),
        ({"amount": ...}, "amount is missing"),
        ({"amount__refund": 2801}, "refund must not be above total"),
        ({"amount__refund": 14.5}, "amount.refund"),
        ({"mchid": ...}, "mchid is missing"),
    ],
)
def test_a_refund_that_is_none_is_rejected_with_its_place(
    changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        read("refund", **changes)
    assert caught.value.reason is RejectReason.MALFORMED
    assert place in caught.value.message
