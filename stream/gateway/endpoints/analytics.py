# SPDX-License-Identifier: Apache-2.0
"""Translates tracks of an analytics SDK (神策's model, common in the market) into events.

One track: ``event`` (its name), ``time`` in **milliseconds** since the Unix epoch, ``properties``.
The SDK's own identities (``distinct_id``, ``identities``, ``anonymous_id``) prove nothing and are
not read.
Source: manual.sensorsdata.cn/sa/latest/page-1573775.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from schemas import mini_program, time_from_ms
from stream.gateway.endpoints.event_results import EventRejected, Reason

Properties = Mapping[str, Any]

#: A JSON number; Decimal would also accept ``1_000``, other scripts' digits and NaN.
_PRICE = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_PRICE_CHARS_MAX: Final = 64
_METHOD_CHARS_MAX: Final = 64
QUANTITY_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Track:
    """A track as an event. ``mark`` distinguishes tracks with the same time and data."""

    type: str
    time: datetime
    data: dict[str, Any]
    mark: str


def is_track(item: Mapping[str, Any]) -> bool:
    """Whether an item is a track; events have ``data`` instead."""
    return "properties" in item and "data" not in item


def read_track(item: Mapping[str, Any], place: str) -> Track | None:
    """The event of a track, ``None`` if it is no touchpoint. Raises ``EventRejected``.

    An SDK cannot mend what it has sent, so an optional field that cannot be read is left out.
    """
    name, properties = item.get("event"), item.get("properties")
    if item.get("type", "track") != "track" or not isinstance(name, str):
        return None
    known = EVENTS.get(name)
    if known is None:
        return None
    if not isinstance(properties, dict):
        raise EventRejected(Reason.INVALID_EVENT, f"{place}.properties must be a JSON object.")
    type_, read = known
    mark = item.get("_track_id")  # the SDK's number of the track, the same in a retry
    data = read(properties)
    present = {field: value for field, value in data.items() if value is not None}
    for field, value in present.items():
        if not isinstance(value, (str, int, float)):
            raise EventRejected(Reason.INVALID_DATA, f"{place}.properties has no usable {field}.")
    time = _time(item.get("time"), f"{place}.time")
    return Track(type_, time, present, f"{name} {mark if type(mark) in (int, str) else ''}")


def _time(value: object, place: str) -> datetime:
    if type(value) is not int or not 0 <= value < 10**13:
        raise EventRejected(Reason.INVALID_EVENT, f"{place} must be whole milliseconds since 1970.")
    return time_from_ms(value)


def _page(properties: Properties) -> dict[str, Any]:
    # The SDK writes $scene on launches only; on a page it is $latest_scene.
    scenes = (_scene(properties.get(name)) for name in ("$scene", "$latest_scene"))
    scene = next((scene for scene in scenes if scene is not None), None)
    return {"path": _path(properties.get("$url_path")), "scene": scene}


def _share(properties: Properties) -> dict[str, Any]:
    path = properties.get("$share_url_path") or properties.get("$url_path")
    method = properties.get("$share_method")
    known = isinstance(method, str) and len(method) <= _METHOD_CHARS_MAX and method.isprintable()
    return {"path": _path(path), "share_method": method if known and method else None}


def _product(properties: Properties) -> dict[str, Any]:
    return {
        "product_id": _id(properties.get("product_id")),
        "price_fen": _fen(properties.get("product_price")),
    }


def _cart(properties: Properties) -> dict[str, Any]:
    quantity = _quantity(properties.get("product_quantity", properties.get("quantity")))
    return _product(properties) | {"quantity": quantity}


def _path(value: object) -> object:
    """Without query and fragment, which may contain personal data."""
    return value.partition("?")[0].partition("#")[0] if isinstance(value, str) else value


def _scene(value: object) -> int | None:
    """WeChat's scene number: 1011, ``"1011"`` or ``"wx-1011"``."""
    text = str(value).removeprefix("wx-") if type(value) in (int, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else None


def _id(value: object) -> object:
    return str(value) if type(value) is int else value


def _quantity(value: object) -> int:
    """Pieces, a JSON number or text; one piece if it cannot be read."""
    text = str(value) if type(value) in (int, str) else ""
    pieces = int(text) if text.isascii() and text.isdecimal() and len(text) <= 7 else 1
    return pieces if 1 <= pieces <= QUANTITY_MAX else 1


def _fen(value: object) -> int | None:
    """Yuan with at most two decimals, a JSON number or text, as fen; ``None`` if it is none."""
    # str() of a float is the shortest text that reads back as it: 14.1, not 14.0999…
    text = str(value) if type(value) in (int, float, str) else ""
    if len(text) <= _PRICE_CHARS_MAX and _PRICE.fullmatch(text):
        try:
            fen = Decimal(text) * 100
            if fen == fen.to_integral_value() and 0 <= fen <= 10**12:
                return int(fen)
        except ArithmeticError:
            pass
    return None


#: Name of a track -> event type, and the function that reads its data. Others are ignored:
#: ``$MPLaunch`` and ``$MPShow`` come with the ``$MPViewScreen`` of the page that they open.
EVENTS: Final[dict[str, tuple[str, Callable[[Properties], dict[str, Any]]]]] = {
    "$MPViewScreen": (mini_program.PAGE_VIEWED, _page),
    "$pageview": (mini_program.PAGE_VIEWED, _page),
    "$MPShare": (mini_program.CONTENT_SHARED, _share),
    "ViewProduct": (mini_program.PRODUCT_VIEWED, _product),
    "AddToCart": (mini_program.CART_ADDED, _cart),
    "AddToShoppingCart": (mini_program.CART_ADDED, _cart),
}
