# SPDX-License-Identifier: Apache-2.0
"""Orders of WeChat Shop (微信小店), as the resolver reads them from WeChat.

A push of a shop has neither an amount nor a Union ID. It becomes a hint on topic ``wechat.shop``,
which only the resolver reads; the resolver fetches the order and publishes what was paid and what
was refunded on topic ``wechat.pay``. Amounts are integer fen. Sources: WeChat's pages
channels-shop-order (getorder, getorderlist) and channels-shop-aftersale (getaftersaleorder).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from schemas.base import FEN_MAX, Closed, Id, PersonId, Time
from schemas.identifiers import Origin
from schemas.order_lines import LINES_FIELDS, OrderLines
from schemas.source import Proof, Refund, Role, Source, Value, by_id, by_payment
from schemas.topics import TOPIC_PAY
from schemas.touchpoints import Touchpoint

SHOP_ORDER_CHANGED = "shop_order.changed.v1"
SHOP_ORDER_PAID = "shop_order.paid.v1"
SHOP_ORDER_REFUNDED = "shop_order.refunded.v1"

_SomeFen = Annotated[int, Field(ge=1, le=FEN_MAX, description="Integer fen (1/100 yuan), CNY.")]


class ShopOrderChanged(Closed):
    """A hint: WeChat says that an order was paid, or that an after-sale of it changed.

    ``appid`` is the shop's. It names no person: whose order it is, WeChat says when asked.
    """

    appid: Id
    order_id: Id
    after_sale_order_id: Id | None = None


class ShopOrderPaid(Origin):
    """The origin paid ``paid_fen`` for an order, freight included and discounts taken off.

    The origin is who paid: of a gift, the giver. ``unionid`` is that person's, if WeChat has it:
    the shop must be bound to an Open Platform account, and the order be younger than that.
    ``transaction_id`` is WeChat Pay's: if WeChat Pay reports the payment too, it counts once.
    """

    unionid: PersonId | None = None
    order_id: Id
    transaction_id: Id
    paid_at: Time
    paid_fen: _SomeFen
    lines: OrderLines = ()


class ShopOrderRefunded(Closed):
    """``refunded_fen`` of an order went back to who paid.

    ``refund_id`` is the after-sale (``after_sale_order_id``), or the order itself if WeChat has
    cancelled it as a whole.
    """

    appid: Id
    order_id: Id
    transaction_id: Id
    refund_id: Id
    refunded_at: Time
    refunded_fen: _SomeFen


def _paid_at(data: ShopOrderPaid) -> datetime:
    return data.paid_at


def _refunded_at(data: ShopOrderRefunded) -> datetime:
    return data.refunded_at


def _values(data: ShopOrderPaid) -> dict[str, Value]:
    """The shop stands for the merchant number: only its own refunds count for its payments."""
    fen = data.paid_fen
    return {"appid": data.appid, "mchid": data.appid, "total_fen": fen, "payer_total_fen": fen}


def _refund(data: Any) -> Refund:
    return Refund(data.refund_id, data.refunded_fen, data.refunded_fen, data.appid)


SOURCES = (
    Source(
        type=SHOP_ORDER_PAID,
        model=ShopOrderPaid,
        topics=(TOPIC_PAY,),
        role=Role.PAYMENT,
        touchpoint=Touchpoint.PURCHASE,
        key=by_payment("transaction_id"),
        payment="transaction_id",
        fields={"total_fen": int, "payer_total_fen": int, "mchid": str, **LINES_FIELDS},
        values=_values,
        bases=("payer_total_fen", "total_fen"),
        happened=_paid_at,
        proves=frozenset({Proof.UNION}),
        people=("openid", "unionid"),
    ),
    Source(
        type=SHOP_ORDER_REFUNDED,
        model=ShopOrderRefunded,
        topics=(TOPIC_PAY,),
        role=Role.REFUND,
        key=by_id,
        payment="transaction_id",
        refund=_refund,
        happened=_refunded_at,
        people=(),
    ),
)
