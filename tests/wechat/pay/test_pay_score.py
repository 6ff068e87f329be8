# SPDX-License-Identifier: Apache-2.0
"""Payments after use: one for each part that went through WeChat Pay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.pay_score import read_pay_score
from tests.wechat.pay.sealed import merchant
from tests.wechat.pay.shapes import (
    ACCOUNT_OPENID,
    MCHID,
    MINI_PROGRAM,
    OPENID,
    PROVIDER,
    SHAPES,
    SHOP_MCHID,
    TRANSACTION,
)


def read(event_type: str = "", /, **changes: Any) -> DeliveryAccepted:
    return read_pay_score(SHAPES["pay score"].notification(event_type, **changes), merchant())


def test_each_part_with_a_transaction_is_a_payment_less_its_coupons() -> None:
    first, second = read().events
    result: Any = first.data
    assert first.id == f"payment:{TRANSACTION}"
    assert first.time == datetime(2026, 3, 1, 0, 12, 30, tzinfo=UTC)
    assert (result.mchid, result.origin) == (MCHID, (MINI_PROGRAM, OPENID))
    assert (result.trade_type, result.out_trade_no) == ("OTHER", None)
    assert (result.amount.total, result.amount.payer_total) == (3000, 2500)
    assert [promotion.amount for promotion in result.promotion_detail] == [500]
    other: Any = second.data
    assert (other.amount.total, other.amount.payer_total) == (400, 400)


def test_through_a_provider() -> None:
    changes: dict[str, Any] = {"appid": PROVIDER, "openid": ACCOUNT_OPENID, "sub_mchid": SHOP_MCHID}
    result: Any = read(**changes).events[0].data
    assert (result.origin, result.sub_mchid) == ((PROVIDER, ACCOUNT_OPENID), SHOP_MCHID)
    changes |= {"openid": ..., "sub_appid": MINI_PROGRAM, "sub_openid": OPENID}
    result = read(**changes).events[0].data
    assert (result.origin, result.sp_mchid) == ((MINI_PROGRAM, OPENID), MCHID)


@pytest.mark.parametrize(
    "collection", [..., {}, "none", {"details": []}, {"details": [{"amount": 5}, 7]}]
)
def test_what_a_merchant_collected_otherwise_is_only_counted(collection: Any) -> None:
    assert read(collection=collection) == DeliveryAccepted(Kind.PAY_SCORE)


def test_an_order_that_is_not_paid_is_only_counted() -> None:
    assert read("PAYSCORE.USER_CONFIRM") == DeliveryAccepted(Kind.PAY_SCORE)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"openid": ...}, "payer.openid"),
        ({"collection__details__0__amount": ...}, "amount.total"),
        ({"collection__details__0__amount": "4.00"}, "amount.total"),
        ({"collection__details__0__paid_time": ...}, "success_time"),
        ({"collection__details__0__transaction_id": 42}, "transaction_id"),
    ],
)
def test_who_how_much_and_when_must_be_said(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(DeliveryRejected, match=place):
        read(**changes)
