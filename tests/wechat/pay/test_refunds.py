"""Refunds which reached the payer, and those which did not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.heard import Heard, NotHeard, Refusal
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.refunds import read_refund
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import PROVIDER_MCHID, SHAPES, SHOP_MCHID

MERCHANT = merchant()


def read(shape: str, event_type: str = "", /, **changes: Any) -> Heard:
    return read_refund(SHAPES[shape].notice(event_type, **changes), MERCHANT)


def test_a_refund_is_kept_without_the_receiving_account() -> None:
    heard = read("refund")
    (event,) = heard.events
    expected = SHAPES["refund"].with_(
        user_received_account=..., success_time="2026-03-02T02:34:56.000Z"
    )
    assert event.data.model_dump(mode="json", exclude_none=True) == expected
    assert heard.kind is Kind.REFUND
    assert event.id == "refund:50000000002026030200000000001"
    assert event.time == datetime(2026, 3, 2, 2, 34, 56, tzinfo=UTC)


def test_a_refund_through_a_provider() -> None:
    heard = read("partner refund")
    told: Any = heard.events[0].data
    assert heard.kind is Kind.PARTNER_REFUND
    assert (told.sp_mchid, told.sub_mchid) == (PROVIDER_MCHID, SHOP_MCHID)


@pytest.mark.parametrize("status", ["CLOSED", "ABNORMAL"])
@pytest.mark.parametrize("shape", ["refund", "partner refund"])
def test_a_refund_which_was_not_made_is_only_counted(shape: str, status: str) -> None:
    told = read(shape, f"REFUND.{status}", refund_status=status, success_time=...)
    assert told == Heard(Kind.REFUND_NOT_MADE)


def test_the_status_decides_and_not_the_event_type() -> None:
    assert read("refund", "REFUND.CLOSED").events
    assert not read("refund", "REFUND.SUCCESS", refund_status="CLOSED").events


def test_a_refund_of_a_price_in_another_currency() -> None:
    """The payer's share stands for it, as for the payment."""
    (event,) = read("refund", amount__currency="HKD", amount__payer_currency="CNY").events
    told: Any = event.data
    assert (told.amount.total, told.amount.refund) == (2300, 1150)
    assert told.amount.currency == "CNY"


def test_a_refund_in_another_currency_is_only_counted() -> None:
    foreign = read("refund", amount__currency="HKD", amount__payer_currency="HKD")
    assert foreign == Heard(Kind.FOREIGN_CURRENCY)


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
def test_a_refund_which_is_none_is_refused_with_its_place(
    changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(NotHeard) as caught:
        read("refund", **changes)
    assert caught.value.reason is Refusal.MALFORMED
    assert place in caught.value.message
