# SPDX-License-Identifier: Apache-2.0
"""Reads what WeChat pushes of payments in a mini-program: virtual and B2b payment.

Sources: virtual-payment-callback.md and the event page of virtual payment (虚拟支付);
B2b_store_assistant.html (门店助手). In all of these FromUserName is an account of WeChat's: the
person is in OpenId, or payer_openid. Amounts are fen.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from schemas.base import parse_time, time_from_ms
from schemas.mini_program_pay import MINI_PROGRAM_PAID, MINI_PROGRAM_REFUNDED
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import OutboundEvent
from stream.wechat.event_builder import checked, event, fact_id
from stream.wechat.push.body_parser import Node, malformed
from stream.wechat.push.message import Message, real_id

_DETAILS: Final = frozenset({"product_id", "attach", "mchid"})
_NOTHING: Final = Node()

_digits = re.compile("[0-9]{1,15}").fullmatch
_id = re.compile("[A-Za-z0-9_-]{1,64}").fullmatch


def is_sandbox(message: Message) -> bool:
    """Whether it is a trial in which no money moves: Env 1, of both systems."""
    return message.text("env") == "1"


def is_virtual_refund_made(message: Message) -> bool:
    """Whether the money of an ``xpay_refund_notify`` went back."""
    return message.text("retcode") == "0"


def is_b2b_payment_made(message: Message) -> bool:
    """Whether the order of a ``retail_pay_notify`` is paid."""
    return message.text("pay_status").upper() == "ORDER_PAY_SUCC"


def is_b2b_refund_made(message: Message) -> bool:
    """Whether the money of a ``retail_refund_notify`` went back."""
    return message.text("refund_status").upper() == "REFUND_SUCC"


def virtual_payment(message: Message) -> OutboundEvent:
    """``xpay_goods_deliver_notify`` (goods) or ``xpay_coin_pay_notify`` (coins).

    WeChatPayInfo is missing on iOS, where Apple is paid.
    """
    bought, paid = _node(message, "goodsinfo", "coininfo"), _node(message, "wechatpayinfo")
    paid_fen, price = _fen(bought, "actualprice"), _fen(bought, "origprice")
    return _paid(
        message,
        system="virtual",
        appid=message.account.appid,
        openid=message.text("openid"),
        number=_named(message.text("outtradeno"), "OutTradeNo"),
        transaction_id=real_id(paid.text("transactionid")),
        total_fen=_at_least(price, paid_fen),
        payer_total_fen=paid_fen,
        product_id=bought.text("productid"),
        attach=bought.text("attach"),
        paid_at=_seconds(message, paid.text("paidtime")),
    )


def virtual_refund(message: Message) -> OutboundEvent:
    """``xpay_refund_notify``; MchOrderId is the OutTradeNo of the payment."""
    refund = next(filter(None, map(message.text, ("wxrefundid", "mchrefundid"))), "")
    return _refunded(
        message,
        system="virtual",
        appid=message.account.appid,
        number=_named(message.text("mchorderid"), "MchOrderId"),
        refund_id=_named(refund, "WxRefundId"),
        refund_fen=_fen(message.fields, "refundfee"),
        refunded_at=_seconds(message, message.text("refundsucctimestamp")),
    )


def b2b_payment(message: Message) -> OutboundEvent:
    """``retail_pay_notify``. Of several orders paid at once there is no transaction id."""
    amount = _node(message, "amount")
    paid_fen, price = _fen(amount, "payer_amount"), _fen(amount, "order_amount")
    return _paid(
        message,
        system="b2b",
        appid=message.text("appid") or message.account.appid,
        openid=message.text("payer_openid"),
        number=_named(message.text("order_id"), "order_id"),
        mchid=message.text("mchid"),
        transaction_id=real_id(message.text("wxpay_transaction_id")),
        total_fen=_at_least(price, paid_fen),
        payer_total_fen=paid_fen,
        attach=message.text("attach"),
        paid_at=_beijing(message, message.text("pay_time")),
    )


def b2b_refund(message: Message) -> OutboundEvent:
    """``retail_refund_notify``."""
    refund = next(filter(None, map(message.text, ("out_refund_no", "refund_id"))), "")
    return _refunded(
        message,
        system="b2b",
        appid=message.text("appid") or message.account.appid,
        number=_named(message.text("order_id"), "order_id"),
        mchid=message.text("mchid"),
        refund_id=_named(refund, "out_refund_no"),
        refund_fen=_fen(message.fields, "refund_amount"),
        refunded_at=_beijing(message, message.text("refund_time")),
    )


def _paid(message: Message, *, appid: str, number: str, **data: Any) -> OutboundEvent:
    data |= {"appid": appid, "payment_no": f"{appid}-{number}"}
    model: Any = checked(MINI_PROGRAM_PAID, _present(data), _DETAILS)
    id_ = fact_id(MINI_PROGRAM_PAID, model.system, model.payment_no)
    return event(MINI_PROGRAM_PAID, id_, model.paid_at, model)


def _refunded(message: Message, *, appid: str, number: str, **data: Any) -> OutboundEvent:
    data |= {"payment_no": f"{appid}-{number}"}
    model: Any = checked(MINI_PROGRAM_REFUNDED, _present(data), _DETAILS)
    id_ = fact_id(MINI_PROGRAM_REFUNDED, model.system, model.payment_no, model.refund_id)
    return event(MINI_PROGRAM_REFUNDED, id_, model.refunded_at, model)


def _present(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value not in (None, "")}


def _node(message: Message, *names: str) -> Node:
    found = [node for name in names for node in message.fields.children(name)]
    return found[0] if found else _NOTHING


def _fen(node: Node, name: str) -> int | str:
    """An amount; a text that is none is left for validation to reject."""
    written = node.text(name)
    return int(written) if _digits(written) else written


def _at_least(price: int | str, paid: int | str) -> int | str:
    """The price, which is not always given, and never below what was paid."""
    return max(price, paid) if isinstance(price, int) and isinstance(paid, int) else paid


def _named(number: str, name: str) -> str:
    """The number of an order or a refund as an id: merchants may use ``|``, ``*`` and ``@``."""
    if not number:
        malformed(f"{name} is missing.")
    return number if _id(number) else digest(number)


def _seconds(message: Message, written: str) -> datetime:
    """Seconds since 1970, or else when WeChat sent the push."""
    in_seconds = int(written) if _digits(written) else 0
    return time_from_ms((in_seconds or message.time_s) * 1000)


def _beijing(message: Message, written: str) -> datetime:
    """``2023-07-20 17:04:28``, or else when WeChat sent the push."""
    try:
        return parse_time(f"{written.replace(' ', 'T')}+08:00")
    except ValueError:
        return time_from_ms(message.time_s * 1000)
