# SPDX-License-Identifier: Apache-2.0
"""Turns the raw bytes of a WeChat Pay v3 notification into events.

``original_type`` decides what a notification is: unrelated notifications share an ``event_type``
(TRANSACTION.SUCCESS is also used for profit sharing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.cards import read_brand_card, read_card
from stream.wechat.pay.coupons import read_coupon, read_product_coupon
from stream.wechat.pay.decryption import Notification, decrypt_notification
from stream.wechat.pay.kinds import Kind, kind_of, without_provider
from stream.wechat.pay.mall import (
    read_mall_authorisation,
    read_mall_payment,
    read_mall_refund,
)
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.pay_score import read_pay_score
from stream.wechat.pay.payments import read_payment
from stream.wechat.pay.refunds import read_refund
from stream.wechat.pay.signature import check_signature

BODY_BYTES_MAX = 262_144  # usually a few thousand; a combined payment of 50 orders has 100,000

_Translator = Callable[[Notification, Merchant], DeliveryAccepted]

_TRANSLATORS: Mapping[str, _Translator] = MappingProxyType(
    {
        "transaction": read_payment,
        "refund": read_refund,
        "mall_transaction": read_mall_payment,
        "mall_refund": read_mall_refund,
        "coupon": read_coupon,
        "product_coupon": read_product_coupon,
        "payscore": read_pay_score,
        "membercard": read_card,
        "user_card": read_brand_card,
        "profitsharing": lambda notification, merchant: DeliveryAccepted(Kind.PROFIT_SHARING),
        "security": lambda notification, merchant: DeliveryAccepted(Kind.SECURITY_ECHO),
    }
)

#: WeChat does not document the ``original_type`` of these, or pages differ; their event types are
#: unambiguous. Without ``_SP``.
_UNDOCUMENTED: Mapping[str, _Translator] = MappingProxyType(
    {
        "MALL_AUTH.ACTIVATE_CARD": read_mall_authorisation,
        "MALL_TRANSACTION.SUCCESS": read_mall_payment,
        "PAYSCORE.USER_PAID": read_pay_score,
        "PRODUCT_COUPON.SEND": read_product_coupon,
        "BRAND_MEMBER_CARD.USER_CARD.CREATE": read_brand_card,
        "BRAND_MEMBER_CARD.USER_CARD.DELETE": read_brand_card,
    }
)

#: Some of WeChat's pages have no ``original_type`` (停车服务); the fields of the payload decide.
_WITHOUT_TYPE: Mapping[str, _Translator] = MappingProxyType(
    {
        "TRANSACTION.SUCCESS": read_payment,
        "REFUND.SUCCESS": read_refund,
        "MALL_REFUND.SUCCESS": read_mall_refund,
    }
)


def accept(
    headers: Mapping[str, str], body: bytes, merchant: Merchant, now_s: int
) -> DeliveryAccepted:
    """The events of a delivery to ``merchant``.

    ``headers`` have lower-case names, ``body`` is as it was received, ``now_s`` is seconds since
    the Unix epoch. Raises `DeliveryRejected`, and nothing else.
    """
    if len(body) > BODY_BYTES_MAX:
        raise DeliveryRejected(
            RejectReason.TOO_LARGE, f"The body has more than {BODY_BYTES_MAX} bytes."
        )
    check_signature(headers, body, merchant, now_s)
    notification = decrypt_notification(body, merchant.api_v3_keys)
    return _translator(notification)(notification, merchant)


def _translator(notification: Notification) -> _Translator:
    found = _TRANSLATORS.get(notification.original_type) or _UNDOCUMENTED.get(
        without_provider(notification.event_type)
    )
    if found is None and not notification.original_type:
        found = _WITHOUT_TYPE.get(notification.event_type)
    return found or _count


def _count(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    return DeliveryAccepted(kind_of(notification.event_type))
