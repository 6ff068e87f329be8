"""Member cards: taken, thrown away, looked at (会员卡, 商家名片会员).

Sources: WeChat Pay v3 documents 4012288215 (MEMBERCARD.*), 4015283692 (BRAND_MEMBER_CARD_SP.*). No
payload names the app within which the openid means somebody: it is the merchant's entry for the
card. Phone numbers and what people fill in are not kept.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from schemas import format_time
from schemas.answers import UNIONID_RESOLVED
from schemas.cards import CARD_ACCEPTED, CARD_DELETED
from stream.wechat.heard import Heard
from stream.wechat.outgoing import checked, event, fact_id
from stream.wechat.pay.envelope import Notice
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.picking import Fields, pick, time_of, word

#: The ``event_type`` within the payload, which has nothing to do with that of the envelope.
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
_PERSON = {"card_id": word, "openid": word}
_CARD = MappingProxyType(
    {
        CARD_ACCEPTED: {**_PERSON, "code": word, "unionid": word},
        CARD_DELETED: {**_PERSON, "code": word},
    }
)
_IDENTIFIED: Fields = MappingProxyType({**_PERSON, "unionid": word})
_BRAND_CARD: Fields = MappingProxyType({**_PERSON, "user_card_code": word})


def read_card(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``membercard`` comes to."""
    inner = word(notice.data.get("event_type"))
    told = _INNER.get(inner) if type(inner) is str else None
    if told is None:
        return Heard(Kind.OTHER)
    if isinstance(told, Kind):
        return _identified(told, notice, merchant)
    card = pick(notice.data, _CARD[told])
    return _heard(told, card, card.pop("code", None), "event_time", notice, merchant)


def read_brand_card(notice: Notice, merchant: Merchant) -> Heard:
    """What a notification of ``original_type`` ``user_card`` comes to."""
    card = pick(notice.data, _BRAND_CARD)
    code = card.pop("user_card_code", None)
    if notice.event_type.endswith(".USER_CARD.CREATE"):
        return _heard(CARD_ACCEPTED, card, code, "pickup_time", notice, merchant)
    if notice.event_type.endswith(".USER_CARD.DELETE"):
        return _heard(CARD_DELETED, card, code, "modify_time", notice, merchant)
    return Heard(kind_of(notice.event_type))


def _identified(kind: Kind, notice: Notice, merchant: Merchant) -> Heard:
    """Nothing has happened to the card; but it may be told whose it is."""
    person = pick(notice.data, _IDENTIFIED)
    if not person.get("unionid"):
        return Heard(kind)
    appid = _appid(person.pop("card_id", None), merchant)
    if appid is None:
        return Heard(Kind.CARD_APP_NOT_SET)
    model: Any = checked(UNIONID_RESOLVED, {"appid": appid, "method": "member_card", **person})
    time = time_of(notice.data, "event_time")
    id_ = fact_id(UNIONID_RESOLVED, appid, model.openid, model.unionid, format_time(time))
    return Heard(kind, (event(UNIONID_RESOLVED, id_, time, model),))


def _appid(card_id: object, merchant: Merchant) -> str | None:
    return merchant.card_appids.get(card_id) if type(card_id) is str else None


def _heard(
    type_: str,
    card: dict[str, Any],
    code: Any,
    time_field: str,
    notice: Notice,
    merchant: Merchant,
) -> Heard:
    appid = _appid(card.get("card_id"), merchant)
    if appid is None:
        return Heard(Kind.CARD_APP_NOT_SET)
    model: Any = checked(type_, {"appid": appid, "card_code": code, **card})
    time = time_of(notice.data, time_field)
    # A card can be thrown away, recovered, and thrown away again: its time tells these apart.
    id_ = fact_id(type_, model.card_id, model.card_code, model.openid, format_time(time))
    return Heard(_KINDS[type_], (event(type_, id_, time, model),))
