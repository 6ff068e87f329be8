# SPDX-License-Identifier: Apache-2.0
"""ops/nginx/mirror.conf with a real nginx: the brand's system answers, the gateway gets a copy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from aiohttp import web

from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoints.wechat import PayHandler, PushHandler
from stream.gateway.forwarder import Forwarder
from tests.conftest import unavailable
from tests.gateway.endpoints.build import NOW_MS, Published
from tests.gateway.http import Said, ask, served, until
from tests.services.nginx import OPS, Nginx
from tests.services.process import ServiceUnavailable
from tests.services.web import serving
from tests.wechat.pay.sealed import Platform, merchant
from tests.wechat.pay.shapes import MCHID, SHAPES
from tests.wechat.push.build import APPID, account, event, sealed

pytestmark = pytest.mark.integration

NOW_S = NOW_MS // 1000
TEXT = (OPS / "mirror.conf").read_text("utf-8")
#: What stands in the configuration for the gateway, the brand's system, and where it listens.
GATEWAY, BRAND, LISTENS = 8000, 9000, 8080


@dataclass
class Place:
    port: int
    log: Published
    got: list[tuple[str, str | None]] = field(default_factory=list)

    async def pay(self) -> Said:
        sent = Platform(now_s=NOW_S).send(SHAPES["direct"])
        return await ask(self.port, "/wechat/paid", sent.body, headers=dict(sent.headers))

    async def click(self, key: str) -> Said:
        sent = sealed(event("CLICK", EventKey=key, at=NOW_S), NOW_S)
        path = f"/wechat/official-account?{urlencode(sent.query)}"
        return await ask(self.port, path, sent.body)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    assert f"/wechat/pay/{MCHID};" in TEXT
    assert f"/wechat/push/{APPID};" in TEXT
    log = Published()
    here = Place(0, log)

    async def brand(request: web.Request) -> web.Response:
        signature = request.headers.get("wechatpay-signature")
        here.got.append((request.path_qs, signature))
        return web.Response(text="of the brand", content_type="text/xml")

    dependencies = Dependencies(log, lambda: NOW_MS)
    none = Forwarder("abc", 1, dependencies.count_forward)
    pay = PayHandler({MCHID: merchant()}, dependencies, none, {})
    push = PushHandler({APPID: account()}, dependencies, None, 0.0, none, {})
    async with (
        serving("*", "/{path:.*}", brand) as url,
        served(pay.endpoint(), push.endpoint()) as gateway,
    ):
        ports = {GATEWAY: gateway.port, BRAND: int(url.rsplit(":", 1)[1])}
        try:
            nginx = Nginx(TEXT, LISTENS, ports)
        except ServiceUnavailable as reason:
            unavailable(str(reason))
        await asyncio.to_thread(nginx.start)
        try:
            here.port = nginx.port
            yield here
        finally:
            await asyncio.to_thread(nginx.close)


async def test_the_brands_system_answers_and_the_gateway_gets_a_copy_that_is_signed(
    place: Place,
) -> None:
    paid, clicked = await place.pay(), await place.click("menu")
    await until(lambda: len(place.log.events) == 2)

    assert [(said.status, said.body) for said in (paid, clicked)] == [(200, b"of the brand")] * 2
    assert {e.type for e in place.log.events} == {"payment.succeeded.v1", "menu.clicked.v1"}
    (paid_at, signature), (pushed_at, _) = place.got
    assert (paid_at, bool(signature)) == ("/wechat/paid", True)
    assert pushed_at.startswith("/wechat/official-account?signature=")


async def test_the_brand_is_answered_for_whatever_becomes_of_the_copy(place: Place) -> None:
    place.log.away = True
    said = [await place.pay(), await place.click("menu")]
    await until(lambda: place.log.refused == 2)  # nginx answers before the copies have arrived
    place.log.away = False
    said.append(await place.click("another"))
    await until(lambda: place.log.events)

    assert {s.status for s in said} == {200}
    assert [e.type for e in place.log.events] == ["menu.clicked.v1"]  # the copies are lost


async def test_the_copy_has_no_address_outside(place: Place) -> None:
    assert (await ask(place.port, "/copy", b"{}")).status == 404
