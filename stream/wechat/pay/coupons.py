"""Coupons: given to somebody (商家券, 商品券), and used in a payment (代金券).

Sources: WeChat Pay v3 documents 4012285279 (COUPON.SEND), 4012285250 (COUPON.USE), 4015780862
(PRODUCT_COUPON_SP.SEND). Phone numbers and what the merchant attached are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.coupons import COUPON_RECEIVED, COUPON_USED
from stream.wechat.heard import Heard
from stream.wechat.outgoing import checked, event, fact_id
from stream.wechat.pay.envelope import Notice
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.picking import Fields, pick, time_of, word

_COUPON: Fields = MappingProxyType({"stock_id": word, "coupon_code": word})
_PERSON: Fields = MappingProxyType({"openid": word, "unionid": word})
_PRODUCT: Fields = MappingProxyType({**_COUPON, **_PERSON, "appid": word})
_USED: Fields = MappingProxyType({**_COUPON, "coupon_id": word})
_WITH: Fields = MappingProxyType({"transaction_id": word})


def read_coupon(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``coupon`` comes to.

    Its shape tells use from receipt: a page of WeChat's prints a use as ``TRANSACTION.SUCCESS``.
    """
    if "consume_information" in notice.data or notice.event_type == "COUPON.USE":
        return _used(notice.data)
    if "send_time" in notice.data or notice.event_type == "COUPON.SEND":
        return _sent(notice.data, merchant)
    return Heard(kind_of(notice.event_type))


def read_product_coupon(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``product_coupon`` comes to."""
    if notice.event_type != "PRODUCT_COUPON_SP.SEND":
        return Heard(kind_of(notice.event_type))
    return _received(notice.data, pick(notice.data, _PRODUCT), "receive_time")


def _sent(data: dict[str, Any], merchant: Merchant) -> Heard:
    """The app is the batch's ``notify_appid``, which the payload leaves out.

    Both ids of a person are optional. A coupon which came with a payment (支付有礼) names it, and
    so its payer.
    """
    coupon = pick(data, _COUPON) | pick(_object(data.get("attach_info")), _WITH)
    person = pick(data, _PERSON)
    if person and merchant.coupon_appid is not None:
        coupon |= {"appid": merchant.coupon_appid, **person}
    elif "transaction_id" not in coupon:
        return Heard(Kind.COUPON_APP_NOT_SET if person else Kind.COUPON_OF_NOBODY)
    return _received(data, coupon, "send_time")


def _received(data: dict[str, Any], coupon: dict[str, Any], time_field: str) -> Heard:
    model: Any = checked(COUPON_RECEIVED, coupon)
    id_ = fact_id(COUPON_RECEIVED, model.stock_id, model.coupon_code)
    told = event(COUPON_RECEIVED, id_, time_of(data, time_field), model)
    return Heard(Kind.COUPON_RECEIVED, (told,))


def _used(data: dict[str, Any]) -> Heard:
    """A use names no person; it joins the payer, if it says by which payment."""
    use = _object(data.get("consume_information"))
    coupon = pick(data, _USED) | pick(use, _WITH)
    coupon.setdefault("coupon_code", coupon.pop("coupon_id", None))
    if "transaction_id" not in coupon:
        return Heard(Kind.COUPON_WITHOUT_PAYMENT)
    model: Any = checked(COUPON_USED, coupon)
    # Some coupons (消费金) are used several times, in a payment each.
    id_ = fact_id(COUPON_USED, model.stock_id, model.coupon_code, model.transaction_id)
    told = event(COUPON_USED, id_, time_of(use, "consume_time"), model)
    return Heard(Kind.COUPON_USED, (told,))


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}
