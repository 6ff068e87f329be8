# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.pay``: what a mini-program hears of its own payments, and not from WeChat Pay.

Two systems: virtual payment (虚拟支付, ``xpay_…``) for digital goods and coins, and B2b payment
(门店助手, ``retail_…``). Each numbers its own orders, and its refunds name only these; a payment
that went through WeChat Pay also has a ``transaction_id``. Amounts are integer fen. Sources:
virtual-payment-callback.md, B2b_store_assistant.html.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import model_validator

from schemas.base import Closed, Fen, Id, Time, text
from schemas.identifiers import Origin
from schemas.source import Refund, Role, Source, by_id
from schemas.topics import TOPIC_PAY
from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

MINI_PROGRAM_PAID = "mini_program_payment.succeeded.v1"
MINI_PROGRAM_REFUNDED = "mini_program_refund.succeeded.v1"
PAYMENTS = "mini_program"

System = Literal["virtual", "b2b"]


class _Order(Closed):
    """``payment_no`` is the appid and the number of the order in ``system``, joined by ``-``."""

    system: System
    payment_no: Id
    mchid: Id | None = None


class MiniProgramPayment(_Order, Origin):
    """``total_fen`` is the price, ``payer_total_fen`` what the payer paid.

    Virtual payment has no ``mchid``, and on iOS, where Apple is paid, no ``transaction_id``.
    """

    transaction_id: Id | None = None
    total_fen: Fen
    payer_total_fen: Fen
    product_id: Annotated[str, text(64)] | None = None
    attach: Annotated[str, text(128)] | None = None
    paid_at: Time

    @model_validator(mode="after")
    def _at_most_the_price(self) -> MiniProgramPayment:
        if self.payer_total_fen > self.total_fen:
            raise ValueError("payer_total_fen must not be above total_fen")
        return self


class MiniProgramRefund(_Order):
    """``refund_fen`` went back to the payer. It names no person, only the payment."""

    refund_id: Id
    refund_fen: Fen
    refunded_at: Time


def _by_transaction(event: Event) -> str:
    """The key of WeChat Pay's own report of the same transaction, so that the two count once."""
    data: Any = event.data
    return f"payment:{data.transaction_id or f'{PAYMENTS}.{data.payment_no}'}"


def _paid_at(data: MiniProgramPayment) -> datetime:
    return data.paid_at


def _refunded_at(data: MiniProgramRefund) -> datetime:
    return data.refunded_at


def _refund(data: MiniProgramRefund) -> Refund:
    return Refund(data.refund_id, data.refund_fen, data.refund_fen, data.mchid or "")


SOURCES = (
    Source(
        type=MINI_PROGRAM_PAID,
        model=MiniProgramPayment,
        topics=(TOPIC_PAY,),
        role=Role.PAYMENT,
        touchpoint=Touchpoint.PURCHASE,
        key=_by_transaction,
        payment="payment_no",
        payments=PAYMENTS,
        fields={
            "total_fen": int,
            "payer_total_fen": int,
            "product_id": str,
            "attach": str,
            "mchid": str,
        },
        happened=_paid_at,
        people=("openid",),
    ),
    Source(
        type=MINI_PROGRAM_REFUNDED,
        model=MiniProgramRefund,
        topics=(TOPIC_PAY,),
        role=Role.REFUND,
        key=by_id,
        payment="payment_no",
        payments=PAYMENTS,
        refund=_refund,
        happened=_refunded_at,
        people=(),
    ),
)
