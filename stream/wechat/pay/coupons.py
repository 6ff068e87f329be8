# SPDX-License-Identifier: Apache-2.0
"""Translates coupon notifications: received (商家券, 商品券), and used in a payment (代金券).

Sources: WeChat Pay v3 documents 4012285279 (COUPON.SEND), 4012285250 (COUPON.USE), 4015780862
(PRODUCT_COUPON_SP.SEND), doc/brand/4015736293 (PRODUCT_COUPON.SEND). Phone numbers and the
merchant's attachment are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.coupons import COUPON_RECEIVED, COUPON_USED
from stream.wechat.delivery_result import DeliveryAccepted
from stream.wechat.event_builder import checked, event, fact_id
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import Fields, extract, stripped, time_of
from stream.wechat.pay.kinds import Kind, kind_of, without_provider
from stream.wechat.pay.merchant import Merchant

PRODUCT_COUPON_SENT = "PRODUCT_COUPON.SEND"  # of a provider: PRODUCT_COUPON_SP.SEND

_COUPON: Fields = MappingProxyType({"stock_id": stripped, "coupon_code": stripped})
_PERSON: Fields = MappingProxyType({"openid": stripped, "unionid": stripped})
_PRODUCT: Fields = MappingProxyType({**_COUPON, **_PERSON, "appid": stripped})
_USED: Fields = MappingProxyType({**_COUPON, "coupon_id": stripped})
_WITH: Fields = MappingProxyType({"transaction_id": stripped})


def read_coupon(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``coupon``.

    The fields distinguish use from receipt: one of WeChat's pages has ``TRANSACTION.SUCCESS`` for
    a use.
    """
    if "consume_information" in notification.data or notification.event_type == "COUPON.USE":
        return _used(notification.data)
    if "send_time" in notification.data or notification.event_type == "COUPON.SEND":
        return _sent(notification.data, merchant)
    return DeliveryAccepted(kind_of(notification.event_type))


def read_product_coupon(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``product_coupon``."""
    if without_provider(notification.event_type) != PRODUCT_COUPON_SENT:
        return DeliveryAccepted(kind_of(notification.event_type))
    coupon = extract(notification.data, _PRODUCT)
    if not coupon.keys() & _PERSON.keys():
        return DeliveryAccepted(Kind.COUPON_OF_NOBODY)
    return _received(notification.data, coupon, "receive_time")


def _sent(data: dict[str, Any], merchant: Merchant) -> DeliveryAccepted:
    """The app is the coupon batch's ``notify_appid``, which the payload leaves out.

    Both ids of a person are optional. A coupon that came with a payment (支付有礼) names the
    payment, and so its payer.
    """
    coupon = extract(data, _COUPON) | extract(_object(data.get("attach_info")), _WITH)
    person = extract(data, _PERSON)
    if person and merchant.coupon_appid is not None:
        coupon |= {"appid": merchant.coupon_appid, **person}
    elif "transaction_id" not in coupon:
        return DeliveryAccepted(Kind.COUPON_APP_NOT_SET if person else Kind.COUPON_OF_NOBODY)
    return _received(data, coupon, "send_time")


def _received(data: dict[str, Any], coupon: dict[str, Any], time_field: str) -> DeliveryAccepted:
    model: Any = checked(COUPON_RECEIVED, coupon)
    id_ = fact_id(COUPON_RECEIVED, model.stock_id, model.coupon_code)
    received = event(COUPON_RECEIVED, id_, time_of(data, time_field), model)
    return DeliveryAccepted(Kind.COUPON_RECEIVED, (received,))


def _used(data: dict[str, Any]) -> DeliveryAccepted:
    """A use names no person; the payment that it names has the payer."""
    use = _object(data.get("consume_information"))
    coupon = extract(data, _USED) | extract(use, _WITH)
    coupon.setdefault("coupon_code", coupon.pop("coupon_id", None))
    if "transaction_id" not in coupon:
        return DeliveryAccepted(Kind.COUPON_WITHOUT_PAYMENT)
    model: Any = checked(COUPON_USED, coupon)
    # Some coupons (消费金) are used in several payments.
    id_ = fact_id(COUPON_USED, model.stock_id, model.coupon_code, model.transaction_id)
    used = event(COUPON_USED, id_, time_of(use, "consume_time"), model)
    return DeliveryAccepted(Kind.COUPON_USED, (used,))


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}
