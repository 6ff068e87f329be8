"""Topic ``wechat.pay``: what a mall (智慧商圈) hears of shoppers who authorised it.

The payment went to a shop of the mall; ``openid`` is the shopper's within the mini-program in
which they agreed, which need not be the app they paid with. Amounts are integer fen. Sources:
WeChat Pay v3 documents 4012285836 (authorisation), 4012285856 (payment), 4012285869 (refund).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from schemas.base import Fen, Id, Time, text
from schemas.identifiers import Origin

MALL_AUTHORISED = "mall.authorised.v1"

_Name = Annotated[str, text(128)]


class MallAuthorised(Origin):
    """The shopper lets the mall see their payments. Says who it is; grants no consent by itself."""

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
    """``refund_amount`` fen of a payment of ``pay_amount`` fen were given back."""

    refund_id: Id
    pay_amount: Fen
    refund_amount: Fen
    refund_time: Time

    @model_validator(mode="after")
    def _within_the_payment(self) -> MallRefund:
        if self.refund_amount > self.pay_amount:
            raise ValueError("refund_amount must not be above pay_amount")
        return self
