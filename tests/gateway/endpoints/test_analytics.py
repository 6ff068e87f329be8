# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import time_from_ms
from stream.gateway.endpoints.analytics import is_track, read_track
from stream.gateway.endpoints.event_results import EventRejected, Reason
from tests.gateway.endpoints.build import NOW_MS, track


def read(name: str, properties: Any = None, **more: Any) -> tuple[str, dict[str, Any]]:
    found = read_track(track(name, properties, **more), "$.events[0]")
    assert found is not None
    return found.type, found.data


def reason(name: str, properties: Any = None, **more: Any) -> tuple[Reason, str]:
    with pytest.raises(EventRejected) as caught:
        read_track(track(name, properties, **more), "$.events[0]")
    return caught.value.reason, caught.value.message


@pytest.mark.parametrize("scene", [1011, "1011", "wx-1011"])
@pytest.mark.parametrize("beside", [{}, {"$latest_scene": "wx-1047"}])
def test_a_screen_is_a_page(scene: int | str, beside: dict[str, str]) -> None:
    screen = {"$url_path": "pages/menu?phone=1", "$scene": scene} | beside
    expected = ("page.viewed.v1", {"path": "pages/menu", "scene": 1011})
    assert read("$MPViewScreen", screen) == read("$pageview", screen) == expected


@pytest.mark.parametrize("scene", [None, "", "未取到值", "wx-"])
def test_a_page_has_the_scene_of_the_launch(scene: str | None) -> None:
    """The SDK writes ``$scene`` on launches only; the code at the door is 1047."""
    properties = {"$url_path": "pages/menu", "$latest_scene": "wx-1047"}
    given = properties if scene is None else properties | {"$scene": scene}
    assert read("$MPViewScreen", given)[1] == {"path": "pages/menu", "scene": 1047}


@pytest.mark.parametrize("scene", [None, "", "wx-", "douyin-021", True, 10.5, "123456", "１０１１"])
def test_a_scene_that_is_none_of_wechats_is_left_out(scene: Any) -> None:
    assert read("$MPViewScreen", {"$url_path": "pages/menu", "$scene": scene}) == (
        "page.viewed.v1",
        {"path": "pages/menu"},
    )


def test_a_share_is_one_of_the_page_that_was_shared() -> None:
    properties = {
        "$url_path": "pages/class",
        "$share_url_path": "pages/yoga?id=7#top",
        "$share_method": "转发消息卡片",
        "$share_depth": 1,
        "$share_distinct_id": "oSomebodyElse00000000000000_1",
    }

    assert read("$MPShare", properties) == (
        "content.shared.v1",
        {"path": "pages/yoga", "share_method": "转发消息卡片"},
    )


def test_a_product_has_its_price_in_fen() -> None:
    assert read("ViewProduct", {"product_id": 12345, "product_price": 14.0}) == (
        "product.viewed.v1",
        {"product_id": "12345", "price_fen": 1400},
    )


@pytest.mark.parametrize(
    ("yuan", "fen"),
    [(14.1, 1410), ("0.07", 7), (0, 0), (19.99, 1999), (1.15, 115), (4.35, 435), (None, None)],
)
def test_yuan_become_fen_exactly(yuan: Any, fen: int | None) -> None:
    _, data = read("ViewProduct", {"product_id": "a", "product_price": yuan})

    assert data.get("price_fen") == fen


@pytest.mark.parametrize(
    "yuan",
    [
        *(0.001, -1, "many", True, [], "NaN", "1e99", 1e300, "-Infinity", "1_000", "１２", " 1"),
        *("1" * 65, 9.999, "1e9999999", {"yuan": 1}),
    ],
)
def test_a_price_that_is_no_amount_of_yuan_is_left_out(yuan: Any) -> None:
    assert read("ViewProduct", {"product_id": "a", "product_price": yuan})[1] == {"product_id": "a"}


@pytest.mark.parametrize(
    ("quantity", "pieces"),
    [(3, 3), ("12", 12), (10**6, 10**6), *((odd, 1) for odd in (None, 0, -1, 1.5, True, "", [2]))],
)
def test_a_quantity_that_is_none_is_one_piece(quantity: Any, pieces: int) -> None:
    properties = {"product_id": "a", "product_quantity": quantity}
    assert read("AddToCart", properties)[1] == {"product_id": "a", "quantity": pieces}


@pytest.mark.parametrize("method", [None, "", 7, "a\n", "长" * 65])
def test_a_way_of_sharing_that_cannot_be_kept_is_left_out(method: Any) -> None:
    properties = {"$url_path": "p", "$share_method": method}
    assert read("$MPShare", properties)[1] == {"path": "p"}


@pytest.mark.parametrize("name", ["AddToCart", "AddToShoppingCart"])
def test_something_goes_into_the_cart(name: str) -> None:
    properties = {"product_id": "latte", "product_price": "18.5", "product_quantity": 2}
    data = {"product_id": "latte", "price_fen": 1850, "quantity": 2}

    assert read(name, properties) == ("cart.added.v1", data)
    assert read(name, {"product_id": "latte"})[1] == {"product_id": "latte", "quantity": 1}


@pytest.mark.parametrize(
    "item",
    [
        *(track("$MPLaunch"), track("$MPShow"), track("$MPHide"), track("$MPClick")),
        *(track("$MPAddFavorites"), track("PayOrder", {"order_price": 1})),
        *(track("$SignUp", type="track_signup"), track("", type="profile_set"), {"properties": {}}),
        {"properties": 7, "event": 7},
    ],
)
def test_what_is_no_touchpoint_is_nothing(item: dict[str, Any]) -> None:
    assert read_track(item, "$") is None


@pytest.mark.parametrize("time", [None, "2026", 1.5, True, -1, 10**13, 2**70])
def test_a_time_is_whole_milliseconds(time: Any) -> None:
    assert reason("ViewProduct", {"product_id": "a"}, time=time)[0] is Reason.INVALID_EVENT


def test_properties_are_an_object() -> None:
    item = track("ViewProduct") | {"properties": []}
    with pytest.raises(EventRejected, match="properties must be"):
        read_track(item, "$")


def test_tracks_and_events_are_distinguished() -> None:
    assert is_track(track("ViewProduct"))
    assert not is_track({"id": "1", "type": "page.viewed.v1", "data": {}})


def test_a_track_knows_its_moment_and_its_number() -> None:
    found = read_track(track("$MPViewScreen", {"$url_path": "p"}), "$")

    assert found is not None
    assert found.time == time_from_ms(NOW_MS)
    assert found.mark == "$MPViewScreen 383603200"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from(["$MPViewScreen", "$MPShare", "ViewProduct", "AddToCart", "$MPHide"])
_FIELDS = st.sampled_from(
    ["$url_path", "$scene", "$share_method", "product_id", "product_price", "product_quantity"]
)


@given(
    name=_NAMES,
    properties=st.dictionaries(_FIELDS, _JSON),
    more=st.dictionaries(
        st.sampled_from(["time", "type", "event", "_track_id", "properties"]), _JSON, max_size=1
    ),
)
def test_any_track_is_read_ignored_or_rejected(
    name: str, properties: dict[str, Any], more: dict[str, Any]
) -> None:
    item = orjson.loads(
        orjson.dumps({"event": name, "time": NOW_MS, "properties": properties} | more)
        if _is_json(properties) and _is_json(more)
        else b"{}"
    )
    try:
        found = read_track(item, "$.events[0]")
    except EventRejected as bad:
        assert bad.message.startswith("$.events[0].")  # noqa: PT017
    else:
        assert found is None or None not in found.data.values()


def _is_json(tree: object) -> bool:
    try:
        orjson.dumps(tree)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True
