# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.pay``: coupons of merchants (商家券, 商品券), received and used.

Sources: WeChat Pay v3 documents 4012285279 (COUPON.SEND), 4012285250 (COUPON.USE), 4015780862
(PRODUCT_COUPON_SP.SEND). ``stock_id`` is the batch, ``coupon_code`` one coupon of it.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.base import Closed, Id, MerchantNo, PersonId
from schemas.identifiers import absent, present
from schemas.source import Proof, Source, by_number
from schemas.topics import TOPIC_PAY
from schemas.touchpoints import Touchpoint

COUPON_RECEIVED = "coupon.received.v1"
COUPON_USED = "coupon.used.v1"


class CouponReceived(Closed):
    """A person received a coupon.

    ``appid`` scopes ``openid`` and ``unionid``: it is the batch's ``notify_appid``, which no
    notification repeats. ``transaction_id`` is the payment that brought the coupon (支付有礼).
    """

    #: Each on its own is enough to say who it is.
    alternatives: ClassVar[tuple[str, ...]] = ("openid", "unionid", "transaction_id")

    stock_id: Id
    coupon_code: MerchantNo
    appid: Id | None = None
    openid: PersonId | None = None
    unionid: PersonId | None = None
    transaction_id: Id | None = None

    @property
    def origin(self) -> tuple[str, str] | None:
        """``(appid, openid)`` when given"""
        return (self.appid, self.openid) if self.appid and self.openid else None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.appid is None and (self.openid or self.unionid):
            raise ValueError("appid must come with openid and unionid: it is their scope")
        if all(getattr(self, name) is None for name in self.alternatives):
            raise ValueError(f"needs at least one of: {', '.join(self.alternatives)}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        model = handler.resolve_ref_schema(schema)
        model["allOf"] = [{"anyOf": [present(["appid"]), absent(["openid", "unionid"])]}]
        model["anyOf"] = [present([name]) for name in cls.alternatives]
        return schema


class CouponUsed(Closed):
    """A coupon was used in a payment. It names no person; the payment has the payer."""

    stock_id: Id
    coupon_code: MerchantNo
    transaction_id: Id


SOURCES = (
    Source(
        type=COUPON_RECEIVED,
        model=CouponReceived,
        topics=(TOPIC_PAY,),
        touchpoint=Touchpoint.COUPON_RECEIVED,
        key=by_number("stock_id", "coupon_code"),
        fields={"stock_id": str},
        proves=frozenset({Proof.UNION, Proof.PAYER}),
        payment="transaction_id",
        people=("openid", "unionid"),
    ),
    Source(
        type=COUPON_USED,
        model=CouponUsed,
        topics=(TOPIC_PAY,),
        touchpoint=Touchpoint.COUPON_USED,
        key=by_number("stock_id", "coupon_code"),
        fields={"stock_id": str},
        payment="transaction_id",
        people=(),
    ),
)
