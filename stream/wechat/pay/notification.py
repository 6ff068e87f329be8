"""A notification of WeChat Pay v3, from its raw bytes to events of ours.

What it is about is told by ``original_type``: an ``event_type`` is shared by things which have
nothing in common (TRANSACTION.SUCCESS is also used for profit sharing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from stream.wechat.heard import Heard, NotHeard, Refusal
from stream.wechat.pay.cards import read_brand_card, read_card
from stream.wechat.pay.coupons import read_coupon, read_product_coupon
from stream.wechat.pay.envelope import Notice, open_envelope
from stream.wechat.pay.kinds import Kind, kind_of
from stream.wechat.pay.mall import (
    read_mall_authorisation,
    read_mall_payment,
    read_mall_refund,
)
from stream.wechat.pay.merchant import Merchant
from stream.wechat.pay.payments import read_payment
from stream.wechat.pay.refunds import read_refund
from stream.wechat.pay.signature import check_signature

BODY_BYTES_MAX = 262_144  # real ones have a few thousand; a combined payment of 50 orders 100,000

_Reader = Callable[[Notice, Merchant], Heard]

_READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        "transaction": read_payment,
        "refund": read_refund,
        "mall_transaction": read_mall_payment,
        "mall_refund": read_mall_refund,
        "coupon": read_coupon,
        "product_coupon": read_product_coupon,
        "membercard": read_card,
        "user_card": read_brand_card,
        "profitsharing": lambda notice, merchant: Heard(Kind.PROFIT_SHARING),
        "security": lambda notice, merchant: Heard(Kind.SECURITY_ECHO),
    }
)

#: Of these WeChat does not document the ``original_type``, and nothing else goes by their names.
_UNDOCUMENTED: Mapping[str, _Reader] = MappingProxyType(
    {
        "MALL_AUTH.ACTIVATE_CARD": read_mall_authorisation,
        "MALL_TRANSACTION.SUCCESS": read_mall_payment,
    }
)

#: Pages which print no ``original_type`` (停车服务): the payload's shape decides the rest.
_WITHOUT_TYPE: Mapping[str, _Reader] = MappingProxyType(
    {
        "TRANSACTION.SUCCESS": read_payment,
        "REFUND.SUCCESS": read_refund,
        "MALL_REFUND.SUCCESS": read_mall_refund,
    }
)


def hear(headers: Mapping[str, str], body: bytes, merchant: Merchant, now_s: int) -> Heard:
    """What a delivery to ``merchant`` means.

    ``headers`` have lower-case names, ``body`` is as it was received, ``now_s`` is seconds since
    the Unix epoch. Raises `NotHeard`, and nothing else.
    """
    if len(body) > BODY_BYTES_MAX:
        raise NotHeard(Refusal.TOO_LARGE, f"The body has more than {BODY_BYTES_MAX} bytes.")
    check_signature(headers, body, merchant, now_s)
    notice = open_envelope(body, merchant.api_v3_keys)
    return _reader(notice)(notice, merchant)


def _reader(notice: Notice) -> _Reader:
    found = _READERS.get(notice.original_type) or _UNDOCUMENTED.get(notice.event_type)
    if found is None and not notice.original_type:
        found = _WITHOUT_TYPE.get(notice.event_type)
    return found or _count


def _count(notice: Notice, merchant: Merchant) -> Heard:
    return Heard(kind_of(notice.event_type))
