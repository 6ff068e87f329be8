# SPDX-License-Identifier: Apache-2.0
"""The sender against a real HTTP server of another kind each time."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook as Verifier

from stream.config.client_security import webhook_tls
from stream.config.settings import load_settings
from stream.process.clock import wall_clock_ms
from stream.webhooks.event_json import Webhook
from stream.webhooks.retry_policy import Reply
from stream.webhooks.sender import Sender
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable, free_ports
from tests.services.secure import Authority
from tests.services.web import serving

WEBHOOK = Webhook("e-1", "offer.issued.v1", "union.a.b", b'{"id":"e-1"}')
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def sender(url: str, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0) -> Sender:
    context = tls or ssl.create_default_context()
    return Sender(url, [b"s" * 24], wall_clock_ms, timeout_s=timeout_s, at_once=2, tls=context)


async def reply_of(handler: Handler, timeout_s: float = 5.0) -> Reply:
    async with (
        serving("POST", "/in", handler) as url,
        sender(url + "/in", timeout_s=timeout_s) as s,
    ):
        return await s.send(WEBHOOK)


async def test_a_request_is_signed_and_says_what_it_is() -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response(status=204, headers={"set-cookie": "a=b"})

    async with serving("POST", "/in", take) as url, sender(url + "/in") as s:
        assert [await s.send(WEBHOOK), await s.send(WEBHOOK)] == [Reply(204), Reply(204)]
    for headers, body in seen:
        assert Verifier(b"s" * 24).verify(body, headers) == {"id": "e-1"}
        assert headers["content-type"] == "application/cloudevents+json"
        assert "cookie" not in headers


async def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": str(request.url)})

    assert await reply_of(elsewhere) == Reply(307)


async def test_a_receiver_says_when_to_come_again() -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"retry-after": "7"})

    assert await reply_of(busy) == Reply(503, retry_after_ms=7_000)


async def test_a_slow_receiver_gets_no_longer_than_agreed() -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    assert await reply_of(slow, timeout_s=0.2) == Reply(None, "no reply within 0.2 s")


@pytest.mark.parametrize("bytes_sent", [10, 1_000_000])
async def test_the_status_counts_even_if_the_body_is_large_or_never_ends(bytes_sent: int) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * bytes_sent)
        await asyncio.sleep(30)
        return response

    assert await reply_of(endless, timeout_s=0.5) == Reply(200)


async def test_nobody_there_is_no_reply_and_no_url_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    (port,) = free_ports(1)
    async with sender(f"http://127.0.0.1:{port}/token-1") as s:
        reply = await s.send(WEBHOOK)
    assert reply == Reply(None, "no reply: ClientConnectorError")
    assert "token-1" not in caplog.text


@pytest.mark.parametrize(
    ("host", "trusted", "reply"),
    [
        ("localhost", True, Reply(200)),
        ("localhost", False, Reply(None, "its certificate cannot be verified")),
        ("127.0.0.2", True, Reply(None, "its certificate cannot be verified")),
    ],
)
async def test_only_a_certificate_of_the_ca_and_of_the_host_is_accepted(
    tmp_path: Path, host: str, trusted: bool, reply: Reply
) -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response()

    try:
        authority = Authority(tmp_path / "ours")
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    ca = authority.ca if trusted else Authority(tmp_path / "other").ca
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(*authority.certificate("crm"))
    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", 0, ssl_context=server_tls).start()
        url = f"https://{host}:{runner.addresses[0][1]}/"
        settings = load_settings({"SHADOWPOINTS_WEBHOOK_CA_FILE": str(ca)})
        async with sender(url, webhook_tls(settings)) as s:
            assert await s.send(WEBHOOK) == reply
    finally:
        await runner.cleanup()
