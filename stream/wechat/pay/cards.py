# SPDX-License-Identifier: Apache-2.0
"""Translates notifications about member cards: accepted, deleted, viewed (会员卡, 商家名片会员).

Sources: WeChat Pay v3 documents 4012288215 (MEMBERCARD.*), 4015283692 (BRAND_MEMBER_CARD_SP.*; for
a brand merchant without _SP). No payload names the app of the openid: the merchant's entry has it
for each card. Phone numbers and the form that people fill in are not kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from schemas import format_time
from schemas.member_cards import CARD_ACCEPTED, CARD_DELETED
from schemas.wechat_identity import UNIONID_RESOLVED
from stream.wechat.delivery_result import DeliveryAccepted
from stream.wechat.event_builder import checked, event, fact_id
from stream.wechat.pay.decryption import Notification
from stream.wechat.pay.extract import Fields, extract, stripped, time_of
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant

#: The ``event_type`` in the payload, which is unrelated to that of the envelope.
_INNER = MappingProxyType(
    {
        "NEW_ACTIVATE": CARD_ACCEPTED,
        "RECOVER": CARD_ACCEPTED,
        "MEMBER_CARD_ACCEPT_BY_PHONE_NUMBER": CARD_ACCEPTED,
        "MEMBER_CARD_ACTIVATE": CARD_ACCEPTED,
        "USER_DELETE_MEMBERCARD": CARD_DELETED,
        "USER_VIEW_MEMBERCARD": Kind.CARD_VIEWED,
        "USER_MODIFY_INFORMATION": Kind.CARD_CHANGED,
    }
)
_KINDS = MappingProxyType({CARD_ACCEPTED: Kind.CARD_ACCEPTED, CARD_DELETED: Kind.CARD_DELETED})
_PERSON = {"card_id": stripped, "openid": stripped}
_CARD = MappingProxyType(
    {
        CARD_ACCEPTED: {**_PERSON, "code": stripped, "unionid": stripped},
        CARD_DELETED: {**_PERSON, "code": stripped},
    }
)
_IDENTIFIED: Fields = MappingProxyType({**_PERSON, "unionid": stripped})
_BRAND_CARD: Fields = MappingProxyType({**_PERSON, "user_card_code": stripped})


def read_card(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``membercard``."""
    inner = stripped(notification.data.get("event_type"))
    found = _INNER.get(inner) if type(inner) is str else None
    if found is None:
        return DeliveryAccepted(Kind.OTHER)
    if isinstance(found, Kind):
        return _identified(found, notification, merchant)
    card = extract(notification.data, _CARD[found])
    return _accepted(found, card, card.pop("code", None), "event_time", notification, merchant)


def read_brand_card(notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The events of a notification of ``original_type`` ``user_card``."""
    card = extract(notification.data, _BRAND_CARD)
    code = card.pop("user_card_code", None)
    if notification.event_type.endswith(".USER_CARD.CREATE"):
        return _accepted(CARD_ACCEPTED, card, code, "pickup_time", notification, merchant)
    if notification.event_type.endswith(".USER_CARD.DELETE"):
        return _accepted(CARD_DELETED, card, code, "modify_time", notification, merchant)
    return DeliveryAccepted(kind_of(notification.event_type))


def _identified(kind: Kind, notification: Notification, merchant: Merchant) -> DeliveryAccepted:
    """The card did not change, but the notification may have its owner's Union ID."""
    person = extract(notification.data, _IDENTIFIED)
    if not person.get("unionid"):
        return DeliveryAccepted(kind)
    appid = _appid(person.pop("card_id", None), merchant)
    if appid is None:
        return DeliveryAccepted(Kind.CARD_APP_NOT_SET)
    model: Any = checked(UNIONID_RESOLVED, {"appid": appid, "method": "member_card", **person})
    time = time_of(notification.data, "event_time")
    id_ = fact_id(UNIONID_RESOLVED, appid, model.openid, model.unionid, format_time(time))
    return DeliveryAccepted(kind, (event(UNIONID_RESOLVED, id_, time, model),))


def _appid(card_id: object, merchant: Merchant) -> str | None:
    return merchant.card_appids.get(card_id) if type(card_id) is str else None


def _accepted(
    type_: str,
    card: dict[str, Any],
    code: Any,
    time_field: str,
    notification: Notification,
    merchant: Merchant,
) -> DeliveryAccepted:
    appid = _appid(card.get("card_id"), merchant)
    if appid is None:
        return DeliveryAccepted(Kind.CARD_APP_NOT_SET)
    model: Any = checked(type_, {"appid": appid, "card_code": code, **card})
    time = time_of(notification.data, time_field)
    # A card can be deleted, recovered and deleted again; the time distinguishes these.
    id_ = fact_id(type_, model.card_id, model.card_code, model.openid, format_time(time))
    return DeliveryAccepted(_KINDS[type_], (event(type_, id_, time, model),))
