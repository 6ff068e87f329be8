# SPDX-License-Identifier: Apache-2.0
"""Translates a mall's notifications (智慧商圈): authorisations, payments and refunds of shoppers.

Sources: WeChat Pay v3 documents 4012285836 (authorisation), 4012285856 (payment), 4012285869
(refund).
"""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Any

from schemas import format_time
from schemas.mall import MALL_AUTHORISED
from schemas.pay import PAYMENT_SUCCEEDED, REFUND_SUCCEEDED
from schemas.privacy import CONSENT_GRANTED
from schemas.topics import TOPIC_PRIVACY
from stream.wechat.delivery_result import DeliveryAccepted, OutboundEvent
from stream.wechat.event_builder import checked, event, fact_id
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import Fields, extract, fen, stripped, time_of, timestamp, verbatim
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant

_SHOP = {
    "mchid": stripped,
    "appid": stripped,
    "openid": stripped,
    "transaction_id": stripped,
    "merchant_name": verbatim,
    "shop_name": verbatim,
    "shop_number": stripped,
}
_PAYMENT: Fields = MappingProxyType(
    {**_SHOP, "amount": fen, "time_end": timestamp, "commit_tag": stripped}
)
_REFUND: Fields = MappingProxyType(
    {
        **_SHOP,
        "refund_id": stripped,
        "pay_amount": fen,
        "refund_amount": fen,
        "refund_time": timestamp,
    }
)
_AUTHORISATION: Fields = MappingProxyType(
    {"mchid": stripped, "openid": stripped, "auth_type": stripped}
)

#: The shopper took the mall's card *and* shares payments with it; the other mode is the card only.
AUTHORISED = "REGISTERED_AND_AUTHORIZATION_MODE"


def read_mall_payment(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """``mall_transaction``: a payment in a shop of the mall."""
    model: Any = checked(
        PAYMENT_SUCCEEDED, {"time_end": None, **extract(notification.data, _PAYMENT)}
    )
    # The shop may report the same payment, under another id; the engine counts it once.
    id_ = f"mall-payment:{model.transaction_id}"
    payment = event(PAYMENT_SUCCEEDED, id_, model.time_end, model)
    return DeliveryAccepted(Kind.MALL_PAYMENT, (payment,))


def read_mall_refund(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """``mall_refund``: a refund of such a payment."""
    model: Any = checked(
        REFUND_SUCCEEDED, {"refund_time": None, **extract(notification.data, _REFUND)}
    )
    refund = event(REFUND_SUCCEEDED, f"mall-refund:{model.refund_id}", model.refund_time, model)
    return DeliveryAccepted(Kind.MALL_REFUND, (refund,))


def read_mall_authorisation(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """``MALL_AUTH.ACTIVATE_CARD``: the shopper's openid, and perhaps a consent.

    The payload has neither app nor time: the app is the merchant's ``mall_appid``, the time that
    of the notification.
    """
    if merchant.mall_appid is None:
        return DeliveryAccepted(Kind.MALL_APP_NOT_SET)
    time = time_of({"create_time": notification.create_time}, "create_time")
    fields = {"appid": merchant.mall_appid, **extract(notification.data, _AUTHORISATION)}
    model: Any = checked(MALL_AUTHORISED, fields)
    key = (model.mchid, model.openid, stripped(notification.data.get("code")), model.auth_type)
    events = [event(MALL_AUTHORISED, fact_id(MALL_AUTHORISED, *key), time, model)]
    if model.auth_type == AUTHORISED and merchant.mall_consent_text is not None:
        events.append(_consent(model, merchant.mall_consent_text, time))
    return DeliveryAccepted(Kind.MALL_AUTHORISATION, tuple(events))


def _consent(model: Any, text_version: str, time: datetime) -> OutboundEvent:
    granted = checked(
        CONSENT_GRANTED,
        {
            "appid": model.appid,
            "openid": model.openid,
            "text_version": text_version,
            "channel": "mall",
        },
    )
    # A consent after a withdrawal is a new one, so the time is part of the id.
    id_ = fact_id(CONSENT_GRANTED, model.appid, model.openid, text_version, format_time(time))
    return event(CONSENT_GRANTED, id_, time, granted, TOPIC_PRIVACY)
