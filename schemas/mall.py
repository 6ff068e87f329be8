# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.pay``: a mall's authorisations, payments and refunds of shoppers (智慧商圈).

The payment went to a shop of the mall; ``openid`` is the shopper's in the mini-program of the
authorisation, which may differ from the app they paid with. Amounts are integer fen. Sources:
WeChat Pay v3 documents 4012285836 (authorisation), 4012285856 (payment), 4012285869 (refund).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from schemas.base import Fen, Id, Time, text
from schemas.identifiers import Origin
from schemas.source import Source, by_fields
from schemas.topics import TOPIC_PAY
from schemas.touchpoints import Touchpoint

MALL_AUTHORISED = "mall.authorised.v1"

_Name = Annotated[str, text(128)]


class MallAuthorised(Origin):
    """The shopper shares their payments with the mall. By itself this is no consent."""

    mchid: Id
    auth_type: Literal["REGISTERED_MODE", "REGISTERED_AND_AUTHORIZATION_MODE"]


class _Shop(Origin):
    mchid: Id
    transaction_id: Id
    merchant_name: _Name | None = None
    shop_name: _Name | None = None
    shop_number: Annotated[str, text(64)] | None = None


class MallPayment(_Shop):
    """A payment of ``amount`` fen in a shop of the mall.

    The same payment may also be reported to the shop itself: it counts once. The notification's
    ``code`` and ``auth_type`` must be dropped before publishing.
    """

    amount: Fen
    time_end: Time
    commit_tag: Annotated[str, text(64)] | None = None


class MallRefund(_Shop):
    """``refund_amount`` fen of a payment of ``pay_amount`` fen were refunded."""

    refund_id: Id
    pay_amount: Fen
    refund_amount: Fen
    refund_time: Time

    @model_validator(mode="after")
    def _within_the_payment(self) -> MallRefund:
        if self.refund_amount > self.pay_amount:
            raise ValueError("refund_amount must not be above pay_amount")
        return self


#: Payments and refunds in a mall are forms of those in ``schemas.pay``.
SOURCES = (
    Source(
        type=MALL_AUTHORISED,
        model=MallAuthorised,
        topics=(TOPIC_PAY,),
        touchpoint=Touchpoint.MALL_AUTHORISED,
        key=by_fields("mchid"),
        fields={"mchid": str, "auth_type": str},
        people=("openid",),
    ),
)
