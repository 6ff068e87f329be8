# SPDX-License-Identifier: Apache-2.0
"""Reads the pushes of a WeChat Shop (微信小店). Each becomes a hint for the resolver.

A push has the number of an order, or of an after-sale of it, and neither an amount nor a Union ID.
WeChat tries ten times within 3.6 hours. The numbers are beyond 2^53, and come as numbers or as
strings. Pages: doc/store/shop/notify/order_callback and aftersale_callback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from schemas.base import time_from_ms
from schemas.shop import SHOP_ORDER_CHANGED
from schemas.topics import TOPIC_SHOP
from stream.wechat.delivery_result import OutboundEvent
from stream.wechat.event_builder import checked, fact_id
from stream.wechat.push.body_parser import Node, malformed
from stream.wechat.push.message import Message

_ORDER: Final = "order_info"
_AFTER_SALE: Final = "finder_shop_aftersale_status_update"
_number = re.compile("[0-9]{1,20}").fullmatch


def order_paid(message: Message) -> Iterable[OutboundEvent]:
    """The hint in ``channels_ec_order_pay``."""
    yield _hint(message, _numbers(message, _ORDER, "order_id"))


def after_sale_changed(message: Message) -> Iterable[OutboundEvent]:
    """The hint in ``channels_ec_aftersale_update``, which comes at every step of an after-sale."""
    names = ("order_id", "after_sale_order_id")
    yield _hint(message, _numbers(message, _AFTER_SALE, *names))


def _hint(message: Message, numbers: dict[str, str]) -> OutboundEvent:
    data, time_s = {"appid": message.account.appid, **numbers}, message.time_s
    return OutboundEvent(
        topic=TOPIC_SHOP,
        type=SHOP_ORDER_CHANGED,
        id=fact_id(SHOP_ORDER_CHANGED, *data.values(), time_s),
        time=time_from_ms(time_s * 1000),
        data=checked(SHOP_ORDER_CHANGED, data),
    )


def _numbers(message: Message, name: str, *names: str) -> dict[str, str]:
    found: list[Node] = message.fields.children(name)
    if len(found) != 1:
        malformed(f"{name} must be one object.")
    numbers = {number: found[0].text(number) for number in names}
    for number, written in numbers.items():
        if not _number(written):
            malformed(f"{name}.{number} must be an integer of at most 20 digits.")
    return numbers
