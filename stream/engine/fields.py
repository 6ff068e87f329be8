"""Which fields of an event a condition may test, by touchpoint, and the type of each.

The one table which both the rule checker and whoever fills an event's fields go by. A field
named ``*_fen`` is money in fen, ``*_s`` is a length of time in seconds. Any field may be absent
from an event; ``appid`` is the app of the event's origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stream.engine.touchpoints import Touchpoint

FieldTypes = Mapping[str, type[str] | type[int]]

_OWN: Mapping[Touchpoint, FieldTypes] = {
    Touchpoint.PURCHASE: {
        "total_fen": int,
        "payer_total_fen": int,  # what the payer paid after WeChat's coupons
        "trade_type": str,
        "attach": str,
        "device_id": str,
        "mchid": str,
        "shop_number": str,  # of a payment in a mall
    },
    Touchpoint.FOLLOW: {"event_key": str},
    Touchpoint.SCAN: {"event_key": str},
    Touchpoint.MENU_CLICK: {"event_key": str},
    Touchpoint.LINK_VIEW: {"event_key": str},
    Touchpoint.MESSAGE: {"msg_type": str},
    Touchpoint.PAGE_VIEW: {"path": str, "scene": int},
    Touchpoint.PRODUCT_VIEW: {"product_id": str, "price_fen": int},
    Touchpoint.ADD_TO_CART: {"product_id": str, "quantity": int, "price_fen": int},
    Touchpoint.ORDER: {"total_fen": int},
    Touchpoint.SHARE: {"path": str, "share_method": str},
    Touchpoint.LIVE_STREAM: {"room_id": str, "watched_s": int},
    Touchpoint.UPLOAD: {"content_type": str},
    Touchpoint.REGISTRATION: {"event_id": str},
    Touchpoint.CHECK_IN: {"event_id": str, "list_id": str},
    Touchpoint.CHECK_OUT: {"event_id": str, "list_id": str},
    Touchpoint.COUPON_RECEIVED: {"stock_id": str},
    Touchpoint.COUPON_USED: {"stock_id": str},
    Touchpoint.CARD_ACCEPTED: {"card_id": str},
    Touchpoint.CARD_DELETED: {"card_id": str},
    Touchpoint.CARD_USED: {"card_id": str},
    Touchpoint.MALL_AUTHORISED: {"mchid": str, "auth_type": str},
    Touchpoint.NOTICE: {"template_id": str, "status": str},
    Touchpoint.SUBSCRIPTION: {"template_id": str, "answer": str},  # accept or reject
    Touchpoint.IDENTIFIED: {"method": str},
}

#: Every touchpoint has an entry; ``appid`` is in each.
FIELDS: Mapping[Touchpoint, FieldTypes] = MappingProxyType(
    {t: MappingProxyType({"appid": str, **_OWN.get(t, {})}) for t in Touchpoint}
)

#: The amounts a rate rule may be based on, its default first.
BASES: Mapping[Touchpoint, tuple[str, ...]] = MappingProxyType(
    {
        Touchpoint.PURCHASE: ("payer_total_fen", "total_fen"),
        Touchpoint.ORDER: ("total_fen",),
    }
)
