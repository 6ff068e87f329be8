"""What a mall (智慧商圈) hears of shoppers who authorised it.

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
from schemas.registry import TOPIC_PRIVACY
from stream.wechat.heard import Heard, Outgoing
from stream.wechat.outgoing import checked, event, fact_id
from stream.wechat.pay.envelope import Notice
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.picking import Fields, fen, moment, pick, text, time_of, word

_SHOP = {
    "mchid": word,
    "appid": word,
    "openid": word,
    "transaction_id": word,
    "merchant_name": text,
    "shop_name": text,
    "shop_number": word,
}
_PAYMENT: Fields = MappingProxyType(
    {**_SHOP, "amount": fen, "time_end": moment, "commit_tag": word}
)
_REFUND: Fields = MappingProxyType(
    {**_SHOP, "refund_id": word, "pay_amount": fen, "refund_amount": fen, "refund_time": moment}
)
_AUTHORISATION: Fields = MappingProxyType({"mchid": word, "openid": word, "auth_type": word})

#: The shopper took the card of the mall *and* let it see payments; the other mode is the card only.
AUTHORISED = "REGISTERED_AND_AUTHORIZATION_MODE"


def read_mall_payment(notice: Notice, merchant: Merchant) -> Heard:
    """``mall_transaction``: a payment in a shop of the mall."""
    model: Any = checked(PAYMENT_SUCCEEDED, {"time_end": None, **pick(notice.data, _PAYMENT)})
    # The shop may report the same payment: an id of its own, and the engine counts it once.
    id_ = f"mall-payment:{model.transaction_id}"
    told = event(PAYMENT_SUCCEEDED, id_, model.time_end, model)
    return Heard(Kind.MALL_PAYMENT, (told,))


def read_mall_refund(notice: Notice, merchant: Merchant) -> Heard:
    """``mall_refund``: money was given back for such a payment."""
    model: Any = checked(REFUND_SUCCEEDED, {"refund_time": None, **pick(notice.data, _REFUND)})
    told = event(REFUND_SUCCEEDED, f"mall-refund:{model.refund_id}", model.refund_time, model)
    return Heard(Kind.MALL_REFUND, (told,))


def read_mall_authorisation(notice: Notice, merchant: Merchant) -> Heard:
    """``MALL_AUTH.ACTIVATE_CARD``: who it is, and perhaps a consent.

    The payload names neither the app nor a time: the app is the merchant's ``mall_appid``, the
    time that of the notification.
    """
    if merchant.mall_appid is None:
        return Heard(Kind.MALL_APP_NOT_SET)
    time = time_of({"create_time": notice.create_time}, "create_time")
    picked = {"appid": merchant.mall_appid, **pick(notice.data, _AUTHORISATION)}
    model: Any = checked(MALL_AUTHORISED, picked)
    key = (model.mchid, model.openid, word(notice.data.get("code")), model.auth_type)
    events = [event(MALL_AUTHORISED, fact_id(MALL_AUTHORISED, *key), time, model)]
    if model.auth_type == AUTHORISED and merchant.mall_consent_text is not None:
        events.append(_consent(model, merchant.mall_consent_text, time))
    return Heard(Kind.MALL_AUTHORISATION, tuple(events))


def _consent(model: Any, text_version: str, time: datetime) -> Outgoing:
    granted = checked(
        CONSENT_GRANTED,
        {
            "appid": model.appid,
            "openid": model.openid,
            "text_version": text_version,
            "channel": "mall",
        },
    )
    # Who agrees again after having withdrawn says something new, so the time is part of the id.
    id_ = fact_id(CONSENT_GRANTED, model.appid, model.openid, text_version, format_time(time))
    return event(CONSENT_GRANTED, id_, time, granted, TOPIC_PRIVACY)
