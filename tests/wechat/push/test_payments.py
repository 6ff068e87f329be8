# SPDX-License-Identifier: Apache-2.0
"""Payments in a mini-program that WeChat pushes: who, how much, when, and which."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.base import time_from_ms
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected
from stream.wechat.push.body_parser import parse_body
from stream.wechat.push.events import translate
from stream.wechat.push.message import read_message
from tests.wechat.push.build import APPID, AT, PLATFORM, account, event, written
from tests.wechat.push.paid import VIRTUAL, b2b_payment, b2b_refund, virtual

GOODS, COINS = "xpay_goods_deliver_notify", "xpay_coin_pay_notify"


def translated(content: dict[str, Any]) -> DeliveryAccepted:
    found = [
        translate(read_message(parse_body(written(content, is_json))[0], account()))
        for is_json in (True, False)
    ]
    assert found[0] == found[1]
    return found[0]


def only(content: dict[str, Any]) -> Any:
    (paid,) = translated(content).events
    return paid


def test_coins_are_bought_like_goods() -> None:
    bought = only(virtual(COINS)).data.model_dump(mode="json", exclude_none=True)
    assert bought == {name: value for name, value in VIRTUAL.items() if name != "product_id"}


def test_apple_names_no_transaction_and_the_push_says_when() -> None:
    later = AT + 5
    for info in (..., {"MchOrderNo": "", "TransactionId": "", "PaidTime": 0}):
        content = virtual(GOODS, CreateTime=later, WeChatPayInfo=info)
        if info is ...:
            del content["WeChatPayInfo"]
        paid = only(content)
        assert paid.data.transaction_id is None
        assert paid.data.paid_at == paid.time == time_from_ms(later * 1000)


def test_a_repetition_is_the_same_event_whenever_it_is_sent() -> None:
    assert only(virtual(GOODS)) == only(virtual(GOODS, CreateTime=AT + 60))
    assert only(virtual(GOODS)).id != only(virtual(GOODS, OutTradeNo="VP2")).id
    assert only(b2b_refund()).id != only(b2b_refund(out_refund_no="R-2")).id


def test_the_number_of_an_order_is_made_an_id() -> None:
    paid = only(virtual(GOODS, OutTradeNo="VP|1@a*b")).data
    assert paid.payment_no == f"{APPID}-{digest('VP|1@a*b')}"


def test_the_price_may_be_absent_and_what_was_paid_may_not() -> None:
    for info in ({"ActualPrice": 2800}, {"ActualPrice": 2800, "OrigPrice": 0}):
        paid = only(virtual(GOODS, GoodsInfo=info)).data
        assert (paid.total_fen, paid.payer_total_fen) == (2800, 2800)


def test_what_decides_nothing_refuses_no_payment() -> None:
    info = {"ActualPrice": 2800, "ProductId": "x" * 65, "Attach": "x" * 129}
    paid = only(virtual(GOODS, GoodsInfo=info)).data
    assert (paid.product_id, paid.attach) == (None, None)


def test_several_b2b_orders_paid_at_once_have_no_transaction() -> None:
    content = b2b_payment(pay_time="soon", CreateTime=AT + 5)
    del content["wxpay_transaction_id"]
    paid = only(content)
    assert paid.data.transaction_id is None
    assert paid.time == time_from_ms((AT + 5) * 1000)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b2b_payment(env=1), "sandbox"),
        (b2b_refund(env=1), "sandbox"),
        (virtual(COINS, Env="1"), "sandbox"),
        (event("xpay_refund_notify", Env=1, RetCode=0), "sandbox"),
        (b2b_refund(refund_status="REFUND_FAIL"), "refund_not_made"),
        (event("xpay_refund_notify", MchOrderId="VP1"), "refund_not_made"),
    ],
)
def test_where_no_money_moved_it_is_only_counted(content: dict[str, Any], kind: str) -> None:
    assert translated(content) == DeliveryAccepted(kind)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (virtual(GOODS, OpenId=""), "openid"),
        (virtual(GOODS, OpenId="OPENID"), "openid"),
        (virtual(GOODS, OutTradeNo=""), "OutTradeNo is missing"),
        (virtual(GOODS, GoodsInfo={}), "payer_total_fen"),
        (virtual(GOODS, GoodsInfo={"ActualPrice": "28.00"}), "payer_total_fen"),
        (b2b_payment(amount={"order_amount": 1}), "payer_total_fen"),
        (b2b_payment(order_id=""), "order_id is missing"),
        (b2b_refund(refund_amount=""), "refund_fen"),
        (b2b_refund(out_refund_no="", refund_id=""), "out_refund_no is missing"),
        (event("xpay_refund_notify", RetCode=0, RefundFee=1), "MchOrderId is missing"),
    ],
)
def test_who_how_much_and_which_must_be_said(content: dict[str, Any], what: str) -> None:
    with pytest.raises(DeliveryRejected, match=what) as caught:
        translated(content)
    assert PLATFORM not in caught.value.message
