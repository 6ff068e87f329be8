# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from stream.brand.forwarding import Forward
from stream.gateway.endpoint import Delivery
from stream.gateway.forwarder import ANSWER_BYTES_MAX, RESERVED_S, TRIES, Answer, Forwarder, both
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import NOW_MS
from tests.services.secure import Authority
from tests.services.web import Handler, serving

BODY = '{"summary": "支付成功",  "id":1}'.encode()
HEADERS = {
    "host": "gateway.example",
    "content-length": str(len(BODY)),
    "connection": "keep-alive",
    "accept-encoding": "gzip",
    "content-type": "application/json; charset=utf-8",
    "user-agent": "Mozilla/4.0",
    "request-id": "08F78BB5AF06",
    "wechatpay-signature": "kA+/==",
}
QUERY = b"signature=a%2Bb&timestamp=1&openid=o%20x&empty="


@dataclass
class Other:
    """The other system's address, and what reached it."""

    forwarder: Forwarder
    url: str
    heard: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, *, within_s: float = 2.0, url: str = "", **changes: Any) -> Answer:
        ends_s = asyncio.get_running_loop().time() + within_s + RESERVED_S
        sent = Delivery("POST", {}, {}, HEADERS, BODY, NOW_MS, ends_s, QUERY)
        delivery = replace(sent, **changes)
        return await self.forwarder.send(Forward(url or self.url), delivery, "pay")

    async def fails(self, **options: Any) -> str:
        """The outcome of a forward without an answer."""
        with pytest.raises(DeliveryRejected) as caught:
            await self.send(**options)
        assert caught.value.reason is RejectReason.FORWARD_FAILED
        assert "127.0.0.1" not in str(caught.value)
        return self.counted[-1][1]


@asynccontextmanager
async def other(answer: Handler, concurrent_max: int = 10) -> AsyncIterator[Other]:
    async def handle(request: web.Request) -> web.StreamResponse:
        here.bodies.append(await request.read())
        here.heard.append(request)
        return await answer(request)

    def count(endpoint: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        here.counted.append((endpoint, outcome))

    async with serving("*", "/{path:.*}", handle) as base:
        here = Other(Forwarder("abc", concurrent_max, count), f"{base}/wechat/pay?tenant=7")
        try:
            yield here
        finally:
            await here.forwarder.close()


def answering(*statuses: int, body: bytes = b"success", **headers: str) -> Handler:
    """These statuses, one after the other, then the last one."""
    left = list(statuses)

    async def answer(request: web.Request) -> web.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, body=body, headers=headers)

    return answer


async def test_a_delivery_arrives_as_it_came() -> None:
    async with other(answering(200)) as here:
        await here.send()

    [request] = here.heard
    assert (request.method, request.path_qs) == (
        "POST",
        f"/wechat/pay?tenant=7&{QUERY.decode()}",
    )
    assert here.bodies == [BODY]
    got = {name.lower(): value for name, value in request.headers.items()}
    assert got.pop("host") == here.url.split("/")[2]
    assert got == {
        **{k: v for k, v in HEADERS.items() if k not in ("host", "connection")},
        "accept-encoding": "identity",
        "via": "1.1 shadowpoints-abc",
    }


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "accepted"), (204, "accepted"), (400, "refused"), (404, "refused"), (500, "refused")],
)
async def test_the_answer_comes_back_as_it_is(status: int, outcome: str) -> None:
    body = b"" if status == 204 else b"<xml><Encrypt/></xml>"
    given = {"content-type": "text/xml; charset=utf-8"}
    async with other(answering(status, body=body, **given)) as here:
        answer = await here.send()

    assert (answer.status, answer.body) == (status, body)
    assert answer.content_type == given["content-type"]
    assert here.counted == [("pay", outcome)]
    assert len(here.heard) == 1


@pytest.mark.parametrize(
    ("statuses", "status", "tries"),
    [((503, 200), 200, 2), ((502, 504, 204), 204, 3), ((503,), 503, TRIES)],
)
async def test_what_is_being_restarted_is_tried_again(
    statuses: tuple[int, ...], status: int, tries: int
) -> None:
    async with other(answering(*statuses)) as here:
        assert (await here.send()).status == status
    assert here.bodies == [BODY] * tries


async def test_a_connection_that_breaks_is_tried_again() -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with other(breaks) as here:
        assert await here.fails() == "unreachable"
        assert len(here.heard) == TRIES
        assert await here.fails(url="http://127.0.0.1:9/secret") == "unreachable"


async def test_silence_ends_in_time() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with other(silent) as here:
        began_s = asyncio.get_running_loop().time()
        assert await here.fails(within_s=0.3) == "too_slow"
        assert asyncio.get_running_loop().time() - began_s < 2
        assert await here.fails(within_s=-1) == "too_slow"


async def test_an_address_that_hangs_takes_up_so_much_and_no_more() -> None:
    arrived, go = asyncio.Semaphore(0), asyncio.Event()

    async def hangs(request: web.Request) -> web.StreamResponse:
        arrived.release()
        await go.wait()
        return web.Response()

    async with other(hangs, concurrent_max=2) as here:
        waiting = [asyncio.create_task(here.send()) for _ in "12"]
        for _ in waiting:
            await arrived.acquire()
        assert await here.fails() == "too_busy"
        elsewhere = asyncio.create_task(here.send(url=f"{here.url}&another=1"))
        await arrived.acquire()  # another address has a limit of its own
        go.set()
        answers = [*await asyncio.gather(*waiting, elsewhere), await here.send()]
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize(
    "answer",
    [
        answering(302, location="https://elsewhere.example"),
        answering(200, body=b"x" * (ANSWER_BYTES_MAX + 1)),
    ],
    ids=["redirect", "large"],
)
async def test_what_wechat_cannot_get_is_no_answer(answer: Handler) -> None:
    async with other(answer) as here:
        assert await here.fails() == "unusable"
        assert len(here.heard) == 1


async def test_an_address_that_leads_back_is_recognised() -> None:
    async with other(answering(200)) as here:
        passed = HEADERS | {"via": "1.1 proxy, 1.1 shadowpoints-abcd"}
        assert (await here.send(headers=passed)).status == 200
        back = {"via": here.heard[0].headers["via"]}
        assert back["via"] == f"{passed['via']}, 1.1 shadowpoints-abc"
        assert await here.fails(headers=HEADERS | back) == "loop"


@pytest.mark.slow
async def test_a_certificate_must_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*Authority(tmp_path).certificate("crm"))
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server, other(answering(200)) as here:
        port = server.sockets[0].getsockname()[1]
        assert await here.fails(url=f"https://127.0.0.1:{port}/") == "unreachable"
    assert asked == []


@pytest.mark.parametrize(
    ("published", "forwarded", "raised"),
    [(None, None, ""), ("a", None, "a"), (None, "b", "b"), ("a", "b", "a")],
)
async def test_both_are_waited_for_and_ours_is_reported_first(
    published: str | None, forwarded: str | None, raised: str
) -> None:
    ended = []

    def ending(name: str, error: str | None, value: Any) -> Callable[[], Any]:
        async def end() -> Any:
            await asyncio.sleep(0.01 if name == "slow" else 0)
            ended.append(name)
            if error:
                raise DeliveryRejected(RejectReason.INTERNAL, error)
            return value

        return end

    answer = Answer(200, b"", "")
    for names in (("quick", "slow"), ("slow", "quick")):
        ours = ending(names[0], published, None)
        theirs = ending(names[1], forwarded, answer)
        try:
            assert await both(ours(), theirs()) == answer
        except DeliveryRejected as rejection:
            assert rejection.message == raised  # noqa: PT017
        else:
            assert not raised
    assert ended == ["quick", "slow"] * 2
