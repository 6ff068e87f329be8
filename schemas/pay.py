# SPDX-License-Identifier: Apache-2.0
"""Topic ``wechat.pay``: payments and refunds, in WeChat Pay v3's own fields.

The decrypted payload of a notification is the ``data`` of an event. Amounts
are integer fen. Sources: WeChat Pay v3 documents 4012791836 (payment), 4012791865 (refund).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from schemas.base import Closed, Fen, Id, MerchantNo, PersonId, Time, text
from schemas.mall import MallPayment, MallRefund
from schemas.source import Refund, Reporter, Role, Source, Value, by_id, by_payment
from schemas.topics import TOPIC_PAY
from schemas.touchpoints import Touchpoint

PAYMENT_SUCCEEDED = "payment.succeeded.v1"
REFUND_SUCCEEDED = "refund.succeeded.v1"

#: PAP is an agreed deduction (委托代扣). MICROPAY has no notification: the till reports it. OTHER
#: is any that WeChat adds, or does not name.
TradeType = Literal["JSAPI", "NATIVE", "APP", "MICROPAY", "MWEB", "FACEPAY", "PAP", "OTHER"]
Currency = Literal["CNY"]
Text64 = Annotated[str, text(64)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]


class PaymentAmount(Closed):
    """``total`` is the price of the order, ``payer_total`` the amount paid after coupons; fen."""

    total: Fen
    payer_total: Fen
    currency: Currency | None = None
    payer_currency: Currency | None = None

    @model_validator(mode="after")
    def _at_most_the_price(self) -> PaymentAmount:
        if self.payer_total > self.total:
            raise ValueError("payer_total must not be above total")
        return self


class SceneInfo(Closed):
    """``device_id`` is the till or terminal, as the merchant numbers it."""

    device_id: Text64 | None = None


class GoodsDetail(Closed):
    """One article a coupon applied to; ``unit_price`` and ``discount_amount`` in fen."""

    goods_id: Text64
    quantity: Quantity
    unit_price: Fen
    discount_amount: Fen
    goods_remark: Annotated[str, text(128)] | None = None


class Promotion(Closed):
    """One coupon used in the payment; ``amount`` and the three contributions in fen."""

    coupon_id: Text64
    amount: Fen
    name: Text64 | None = None
    scope: Literal["GLOBAL", "SINGLE"] | None = None
    type: Literal["CASH", "NOCASH"] | None = None
    stock_id: Text64 | None = None
    wechatpay_contribute: Fen | None = None
    merchant_contribute: Fen | None = None
    other_contribute: Fen | None = None
    currency: Currency | None = None
    goods_detail: Annotated[tuple[GoodsDetail, ...], Field(strict=False, max_length=500)] = ()


class _Payment(Closed):
    transaction_id: Id
    out_trade_no: MerchantNo | None = None
    trade_type: TradeType
    trade_state: Literal["SUCCESS"]
    trade_state_desc: Annotated[str, text(256)] | None = None
    bank_type: Text64 | None = None
    attach: Annotated[str, text(128)] | None = None
    success_time: Time
    amount: PaymentAmount
    scene_info: SceneInfo | None = None
    promotion_detail: Annotated[tuple[Promotion, ...], Field(strict=False, max_length=100)] = ()


class Payer(Closed):
    """Who paid, within ``appid``."""

    openid: PersonId


class DirectPayment(_Payment):
    """A payment to a merchant of its own: ``appid``, ``mchid``, ``payer.openid``.

    ``attach`` (at most 128 characters) is the merchant's free text.
    """

    appid: Id
    mchid: Id
    payer: Payer

    @property
    def origin(self) -> tuple[str, str]:
        """``(appid, openid)`` of the payer"""
        return self.appid, self.payer.openid


class PartnerPayer(Closed):
    """Who paid: ``sp_openid`` within ``sp_appid``, ``sub_openid`` within ``sub_appid``, or both."""

    sp_openid: PersonId | None = None
    sub_openid: PersonId | None = None


class PartnerPayment(_Payment):
    """A payment through a service provider: ``sp_*`` is the provider, ``sub_*`` the merchant."""

    sp_appid: Id
    sp_mchid: Id
    sub_appid: Id | None = None
    sub_mchid: Id
    payer: PartnerPayer

    @property
    def origin(self) -> tuple[str, str]:
        """``(appid, openid)`` of the payer: the merchant's own app where it is known."""
        if self.sub_appid is not None and self.payer.sub_openid is not None:
            return self.sub_appid, self.payer.sub_openid
        assert self.payer.sp_openid is not None
        return self.sp_appid, self.payer.sp_openid

    @model_validator(mode="after")
    def _names_the_payer(self) -> PartnerPayment:
        if self.payer.sp_openid is None and None in (self.sub_appid, self.payer.sub_openid):
            raise ValueError("needs payer.sp_openid, or payer.sub_openid with sub_appid")
        return self


class RefundAmount(Closed):
    """``refund`` of the order's ``total``; ``payer_refund`` of what the payer paid; fen."""

    total: Fen
    refund: Fen
    payer_total: Fen
    payer_refund: Fen
    currency: Currency | None = None
    payer_currency: Currency | None = None

    @model_validator(mode="after")
    def _within_the_order(self) -> RefundAmount:
        if self.refund > self.total:
            raise ValueError("refund must not be above total")
        return self


class _Refund(Closed):
    transaction_id: Id
    out_trade_no: MerchantNo | None = None
    refund_id: Id
    out_refund_no: MerchantNo | None = None
    refund_status: Literal["SUCCESS"]
    success_time: Time
    amount: RefundAmount


class DirectRefund(_Refund):
    """A refund, full or partial. It names no person, only the payment (transaction_id).

    ``user_received_account`` of the notification must be dropped before publishing: it describes
    a person's bank account, and nothing here needs it.
    """

    mchid: Id


class PartnerRefund(_Refund):
    """Like the direct refund, through a service provider."""

    sp_mchid: Id
    sub_mchid: Id


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        if "time_end" in value or "refund_time" in value:
            return "mall"
        return "partner" if "sp_mchid" in value else "direct"
    if isinstance(value, MallPayment | MallRefund):
        return "mall"
    return "partner" if isinstance(value, PartnerPayment | PartnerRefund) else "direct"


PaymentSucceeded = Annotated[
    Annotated[DirectPayment, Tag("direct")]
    | Annotated[PartnerPayment, Tag("partner")]
    | Annotated[MallPayment, Tag("mall")],
    Discriminator(_shape),
]
RefundSucceeded = Annotated[
    Annotated[DirectRefund, Tag("direct")]
    | Annotated[PartnerRefund, Tag("partner")]
    | Annotated[MallRefund, Tag("mall")],
    Discriminator(_shape),
]


def _paid_at(data: Any) -> datetime:
    return data.time_end if isinstance(data, MallPayment) else data.success_time


def _refunded_at(data: Any) -> datetime:
    return data.refund_time if isinstance(data, MallRefund) else data.success_time


def _values(data: Any) -> dict[str, Value]:
    return _mall_values(data) if isinstance(data, MallPayment) else _own_values(data)


def _mall_values(data: MallPayment) -> dict[str, Value]:
    values: dict[str, Value] = {
        "appid": data.appid,
        "mchid": data.mchid,
        "total_fen": data.amount,
        "payer_total_fen": data.amount,
    }
    return values if data.shop_number is None else values | {"shop_number": data.shop_number}


def _own_values(data: DirectPayment | PartnerPayment) -> dict[str, Value]:
    values: dict[str, Value | None] = {
        "appid": data.origin[0],
        "mchid": data.sub_mchid if isinstance(data, PartnerPayment) else data.mchid,
        "total_fen": data.amount.total,
        "payer_total_fen": data.amount.payer_total,
        "trade_type": data.trade_type,
        "attach": data.attach,
        "device_id": data.scene_info.device_id if data.scene_info else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _refund(data: Any) -> Refund:
    """A mall learns what the payer paid, and no other amount."""
    if isinstance(data, MallRefund):
        return Refund(data.refund_id, data.refund_amount, data.refund_amount, data.mchid)
    merchant = data.sub_mchid if isinstance(data, PartnerRefund) else data.mchid
    return Refund(data.refund_id, data.amount.refund, data.amount.payer_refund, merchant)


def _reporter(data: Any) -> Reporter:
    return Reporter.MALL if isinstance(data, MallPayment) else Reporter.MERCHANT


SOURCES = (
    Source(
        type=PAYMENT_SUCCEEDED,
        model=PaymentSucceeded,
        topics=(TOPIC_PAY,),
        role=Role.PAYMENT,
        touchpoint=Touchpoint.PURCHASE,
        key=by_payment("transaction_id"),
        payment="transaction_id",
        fields={
            "total_fen": int,
            "payer_total_fen": int,  # what the payer paid after WeChat's coupons
            "trade_type": str,
            "attach": str,
            "device_id": str,
            "mchid": str,
            "shop_number": str,  # of a payment in a mall
        },
        values=_values,
        bases=("payer_total_fen", "total_fen"),
        happened=_paid_at,
        reporter=_reporter,
        people=("openid", "sp_openid", "sub_openid"),
    ),
    Source(
        type=REFUND_SUCCEEDED,
        model=RefundSucceeded,
        topics=(TOPIC_PAY,),
        role=Role.REFUND,
        key=by_id,
        payment="transaction_id",
        refund=_refund,
        happened=_refunded_at,
        people=("openid",),  # of a mall's
    ),
)
