# SPDX-License-Identifier: Apache-2.0
"""Topic ``tmall.orders``: what a shop on another market place sells. A newcomer's contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.base import Closed, Fen, Id, PersonId, Time
from schemas.source import Refund, Role, Source, Value, by_id, by_payment
from schemas.touchpoints import Touchpoint

TOPIC_TMALL = "tmall.orders"
ORDER_PAID = "tmall_order.paid.v1"
ORDER_REFUNDED = "tmall_order.refunded.v1"


class OrderPaid(Closed):
    """The buyer ``ouid`` of a shop paid for an order."""

    shop: Id
    ouid: PersonId
    tid: Id
    list_fen: Fen
    paid_fen: Fen
    paid_at: Time

    @property
    def origin(self) -> tuple[str, str]:
        """``(shop, ouid)``: a buyer has another ``ouid`` in each shop"""
        return self.shop, self.ouid


class OrderRefunded(Closed):
    """A part of what was paid for an order went back."""

    tid: Id
    refund_id: Id
    fen: Fen
    refunded_at: Time


def _paid_at(data: OrderPaid) -> datetime:
    return data.paid_at


def _refunded_at(data: OrderRefunded) -> datetime:
    return data.refunded_at


def _values(data: Any) -> dict[str, Value]:
    amounts = {"total_fen": data.paid_fen, "payer_total_fen": data.paid_fen}
    return {"appid": data.shop, "list_fen": data.list_fen, **amounts}


def _refund(data: OrderRefunded) -> Refund:
    return Refund(data.refund_id, data.fen, data.fen, "")


SOURCES = (
    Source(
        type=ORDER_PAID,
        model=OrderPaid,
        topics=(TOPIC_TMALL,),
        role=Role.PAYMENT,
        touchpoint=Touchpoint.PURCHASE,
        key=by_payment("tid", "tmall"),
        payment="tid",
        payments="tmall",
        fields={"total_fen": int, "payer_total_fen": int, "list_fen": int},
        values=_values,
        bases=("list_fen",),
        happened=_paid_at,
        people=("ouid",),
    ),
    Source(
        type=ORDER_REFUNDED,
        model=OrderRefunded,
        topics=(TOPIC_TMALL,),
        role=Role.REFUND,
        key=by_id,
        payment="tid",
        payments="tmall",
        refund=_refund,
        happened=_refunded_at,
        people=(),
    ),
)
