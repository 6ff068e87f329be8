# SPDX-License-Identifier: Apache-2.0
"""Pushes of payments in a mini-program, and what must come of them."""

from __future__ import annotations

from typing import Any

from tests.wechat.push.build import APPID, AT, MEI, PLATFORM, event

TRANSACTION = "4200000002202605290000000001"
MCHID = "1900000099"
AT_TEXT, AT_BEIJING = "2026-05-28T20:26:40.000Z", "2026-05-29 04:26:40"

VIRTUAL: dict[str, Any] = {
    "system": "virtual",
    "appid": APPID,
    "openid": MEI,
    "payment_no": f"{APPID}-VP20261129000001",
    "transaction_id": TRANSACTION,
    "total_fen": 3000,
    "payer_total_fen": 2800,
    "product_id": "vip_month",
    "attach": "a",
    "paid_at": AT_TEXT,
}
VIRTUAL_REFUND: dict[str, Any] = {
    "system": "virtual",
    "payment_no": VIRTUAL["payment_no"],
    "refund_id": "5030000001",
    "refund_fen": 2800,
    "refunded_at": AT_TEXT,
}
B2B: dict[str, Any] = {
    "system": "b2b",
    "appid": APPID,
    "openid": MEI,
    "payment_no": f"{APPID}-o202307291423123564754773",
    "mchid": MCHID,
    "transaction_id": TRANSACTION,
    "total_fen": 1300,
    "payer_total_fen": 1200,
    "attach": "store-7",
    "paid_at": AT_TEXT,
}
B2B_REFUND: dict[str, Any] = {
    "system": "b2b",
    "payment_no": B2B["payment_no"],
    "mchid": MCHID,
    "refund_id": "R-1",
    "refund_fen": 888,
    "refunded_at": AT_TEXT,
}


def virtual(name: str, **changes: Any) -> dict[str, Any]:
    """Goods bought (``xpay_goods_deliver_notify``), or coins."""
    bought = {"Quantity": 1, "OrigPrice": 3000, "ActualPrice": 2800, "Attach": "a"}
    goods = {"GoodsInfo": {"ProductId": "vip_month", **bought}}
    fields: dict[str, Any] = {
        "OpenId": MEI,
        "OutTradeNo": "VP20261129000001",
        "Env": 0,
        "WeChatPayInfo": {"MchOrderNo": "M1", "TransactionId": TRANSACTION, "PaidTime": AT},
        **(goods if "goods" in name else {"CoinInfo": bought}),
        **changes,
    }
    return event(name, openid=PLATFORM, **fields)


def b2b_payment(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": "1217752501201407033233368018",
        "order_id": "o202307291423123564754773",
        "pay_status": "ORDER_PAY_SUCC",
        "pay_time": AT_BEIJING,
        "attach": "store-7",
        "payer_openid": MEI,
        "amount": {"order_amount": 1300, "payer_amount": 1200, "currency": "CNY"},
        "wxpay_transaction_id": TRANSACTION,
        "env": 0,
        **changes,
    }
    return event("retail_pay_notify", openid=PLATFORM, **fields)


def b2b_refund(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "appid": APPID,
        "mchid": MCHID,
        "out_refund_no": "R-1",
        "refund_id": "r202307281444591411763685",
        "out_trade_no": "1217752501201407033233368018",
        "order_id": "o202307291423123564754773",
        "refund_amount": 888,
        "order_amount": 1300,
        "refund_from": "2",
        "create_time": AT_BEIJING,
        "refund_time": AT_BEIJING,
        "refund_status": "REFUND_SUCC",
        "wxpay_refund_id": "50302002662025030599670471876",
        "env": 0,
        "pay_channel": 0,
        **changes,
    }
    return event("retail_refund_notify", openid=PLATFORM, **fields)
