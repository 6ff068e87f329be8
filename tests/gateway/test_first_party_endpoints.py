# SPDX-License-Identifier: Apache-2.0
"""docs/first-party.md is true: its apps file loads, its code signs, its events are accepted."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.brand.brand import load_brand
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint_app import STATUS
from stream.gateway.endpoints.analytics import EVENTS
from stream.gateway.endpoints.event_results import Reason
from stream.gateway.first_party_endpoints import account_lookup, first_party_endpoints
from stream.wechat.delivery_result import RejectReason
from tests.gateway.endpoints.build import MEI, Published, track
from tests.gateway.http import NOW_MS, Said, ask, served, settings_of
from tests.services.pretix import Pretix
from tests.services.wechat import WeChat

PAGE = (Path(__file__).parents[2] / "docs" / "first-party.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(FILE,) = [text for language, text in BLOCKS if language == "yaml"]
PYTHON, ANALYTICS = [text for language, text in BLOCKS if language == "python"]
JSON = [text for language, text in BLOCKS if language == "json"]
KEYS = {"till-7": "the key of till 7, thirty-two or more", "mp-sdk": "the sdk's key, " + "s" * 20}
ENVIRON = {
    "ABC_MP_SECRET": "0123456789abcdef0123456789abcdef",
    "ABC_SESSION_KEY": "the key of sessions, thirty-two or more",
    "ABC_TILL_KEY": KEYS["till-7"],
    "ABC_SDK_KEY": KEYS["mp-sdk"],
    "ABC_PRETIX_PASSWORD": "PASSWORD-of-pretix",
    "ABC_PRETIX_TOKEN": "pretix-token",
}


@dataclass
class Place:
    port: int
    published: Published
    wechat: WeChat
    pretix: Pretix
    sign: Callable[[str, bytes, bytes], dict[str, str]]

    async def send(self, client: str, path: str, tree: object) -> Said:
        body = tree.encode() if isinstance(tree, str) else orjson.dumps(tree)
        headers = self.sign(client, KEYS[client].encode(), body)
        return await ask(self.port, path, body, headers=headers)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(time, "time", lambda: NOW_MS / 1000)
    names: dict[str, Any] = {}
    exec(PYTHON, names)
    with WeChat() as wechat:
        app = wechat.add_app(MEI[0], ENVIRON["ABC_MP_SECRET"])
        app.unionids[MEI[1]] = "uMei01"
        app.codes |= {"code": MEI[1], orjson.loads(block("js_code"))["js_code"]: MEI[1]}
        async with _opened(tmp_path, wechat, names["signed"]) as place:
            yield place


@asynccontextmanager
async def _opened(directory: Path, wechat: WeChat, sign: Any) -> AsyncIterator[Place]:
    published = Published()
    dependencies = Dependencies(published, lambda: NOW_MS)
    async with Pretix.running() as shop:
        file = directory / "apps.yaml"
        file.write_text(FILE.replace("https://tickets.abc.example", shop.url), "utf-8")
        settings = settings_of(WECHAT_API_URL=wechat.url, REDIS_URL="memory://")
        async with (
            account_lookup(settings) as accounts,
            first_party_endpoints(
                settings, load_brand(file, ENVIRON), accounts, dependencies
            ) as endpoints,
            served(*endpoints) as here,
        ):
            yield Place(here.port, published, wechat, shop, sign)


def block(word: str) -> str:
    found: list[str] = [text for text in JSON if word in text]
    assert len(found) == 1
    return found[0]


async def test_a_till_reports_as_the_page_says(place: Place) -> None:
    said = await place.send("till-7", "/events", block("MICROPAY"))

    assert said.status == 200
    assert orjson.loads(said.body) == orjson.loads(block('"results"'))
    [event] = place.published.events
    assert (event.type, event.data.origin) == ("payment.succeeded.v1", MEI)  # type: ignore[attr-defined]


async def test_a_mini_program_logs_in_and_reports_as_the_page_says(place: Place) -> None:
    login = orjson.loads(block("js_code"))
    said = await place.send("mp-sdk", "/sessions", login)
    assert said.status == 201
    session = orjson.loads(said.body)
    assert session["expires_at"] == orjson.loads(block("expires_at"))["expires_at"]

    batch = orjson.loads(block("page.viewed.v1")) | {"token": session["token"]}
    batch["events"].append(track("ViewProduct", {"product_id": 7, "product_price": 18.5}))
    assert (await place.send("mp-sdk", "/events", batch)).status == 200
    accounts = [e.data.origin for e in place.published.events]  # type: ignore[attr-defined]
    assert accounts == [MEI] * 3


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the SDK closes no connection
async def test_the_sdk_for_python_reports_as_the_page_says(place: Place) -> None:
    said = await place.send("mp-sdk", "/sessions", orjson.loads(block("js_code")))
    here = f"http://127.0.0.1:{place.port}/"
    sample = ANALYTICS.replace("https://hooks.example.com/", here)
    assert sample != ANALYTICS
    await asyncio.to_thread(exec, sample, {"token": orjson.loads(said.body)["token"]})

    assert [(e.type, e.data.origin) for e in place.published.events[1:]] == [  # type: ignore[attr-defined]
        ("product.viewed.v1", MEI)
    ]


def test_the_page_names_every_track() -> None:
    rows = re.findall(r"^\| (`.*?`) \| `([a-z._]+\.v1)` \|", PAGE, re.MULTILINE)
    named = {name: type_ for cell, type_ in rows for name in re.findall("`(.+?)`", cell)}
    assert named == {name: type_ for name, (type_, _) in EVENTS.items()}


async def test_pretix_calls_as_the_page_says(place: Place) -> None:
    said = await place.send("mp-sdk", "/sessions", {"appid": MEI[0], "js_code": "code"})
    place.pretix.sell(7, WECHAT=orjson.loads(said.body)["token"])
    at = place.published.events[0].time
    webhook = orjson.dumps(place.pretix.check_in(7, 44, at))
    path = "/check-in/pretix/abc"
    assert (await ask(place.port, path, webhook)).status == 401

    given = "cHJldGl4OlBBU1NXT1JELW9mLXByZXRpeA=="  # pretix:PASSWORD-of-pretix
    said = await ask(place.port, path, webhook, headers={"authorization": f"Basic {given}"})
    assert said.status == 204
    assert [e.type for e in place.published.events] == [
        "session.logged_in.v1",
        "attendee.checked_in.v1",
    ]


async def test_a_brand_without_sections_has_no_first_party_endpoints(tmp_path: Path) -> None:
    settings = settings_of(REDIS_URL="memory://")
    dependencies = Dependencies(Published(), lambda: NOW_MS)
    async with (
        account_lookup(settings) as accounts,
        first_party_endpoints(settings, load_brand(None, {}), accounts, dependencies) as endpoints,
    ):
        assert endpoints == []


def test_the_page_names_every_reason_and_status() -> None:
    assert set(Reason) <= set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
    of_endpoints = [
        *(RejectReason.MALFORMED, RejectReason.BAD_SIGNATURE, RejectReason.NO_SESSION),
        *(RejectReason.NOT_ALLOWED, RejectReason.REPLAYED, RejectReason.TOO_LARGE),
        *(RejectReason.LIMITED, RejectReason.UNAVAILABLE),
    ]
    table = PAGE[PAGE.index("## Statuses") :]
    for rejection in of_endpoints:
        assert f"| {STATUS[rejection]} |" in table
