# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from stream.gateway.json_http_client import (
    CONCURRENT_MAX,
    RESPONSE_BYTES_MAX,
    JsonClient,
    ServerUnavailable,
)
from tests.services.web import Handler, serving


@asynccontextmanager
async def fetching(handler: Handler, **options: float) -> AsyncIterator[JsonClient]:
    async with serving("GET", "/{path:.*}", handler) as url:
        fetcher = JsonClient(f"{url}/base/", **options)
        try:
            yield fetcher
        finally:
            await fetcher.close()


async def test_an_answer_is_a_status_and_an_object() -> None:
    async def handler(request: web.Request) -> web.Response:
        result = {"path": request.path, "a": request.query["a"], "h": request.headers["x-h"]}
        return web.json_response(result)

    async with fetching(handler) as fetcher:
        fetched = await fetcher.get("/x/", query={"a": "1 &"}, headers={"x-h": "h"})

    assert (fetched.status, fetched.tree) == (200, {"path": "/base/x/", "a": "1 &", "h": "h"})


@pytest.mark.parametrize(("status", "tree"), [(404, {"detail": "no"}), (403, None), (302, None)])
async def test_a_rejection_is_an_answer_too(status: int, tree: dict[str, str] | None) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"location": "/elsewhere"} if status == 302 else {}
        body = web.json_response(tree).body if tree else b"<html>"
        return web.Response(status=status, body=body, headers=headers)

    async with fetching(handler) as fetcher:
        fetched = await fetcher.get("/x")

    assert (fetched.status, fetched.tree) == (status, tree)
    assert asked == ["/base/x"]


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b"[" * 9_000])
async def test_an_answer_that_is_no_object_is_none(body: bytes) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body)

    async with fetching(handler) as fetcher:
        with pytest.raises(ServerUnavailable, match="no JSON object"):
            await fetcher.get("/x", tries=1)


async def test_an_endless_answer_is_cut() -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 100 * RESPONSE_BYTES_MAX:
            await response.write(b" " * 65_536)
            sent += 65_536
        return response

    async with fetching(handler, timeout_s=5, patience_s=10) as fetcher:
        with pytest.raises(ServerUnavailable, match="bytes"):
            await fetcher.get("/x", tries=1)
    assert sent < 100 * RESPONSE_BYTES_MAX


async def test_nothing_is_inflated() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.headers["accept-encoding"])
        bomb = gzip.compress(b'{"a": "' + b" " * (RESPONSE_BYTES_MAX // 2) + b'"}')
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    async with fetching(handler) as fetcher:
        with pytest.raises(ServerUnavailable, match="no JSON object"):
            await fetcher.get("/x", tries=1)

    assert asked == ["identity"]


async def test_silence_ends_with_the_patience() -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60)
        return web.Response()

    async with fetching(handler, timeout_s=0.1, patience_s=0.9) as fetcher:
        with pytest.raises(ServerUnavailable):
            await fetcher.get("/x", tries=100)
    assert asked > 1


async def test_a_server_that_is_not_there_is_away_and_unnamed() -> None:
    fetcher = JsonClient("http://127.0.0.1:9", timeout_s=0.5, patience_s=0.9)
    with pytest.raises(ServerUnavailable) as caught:
        await fetcher.get("/secret-path", query={"secret": "abc"}, tries=2)
    await fetcher.close()

    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def test_only_so_many_are_asked_at_once() -> None:
    now = most = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return web.json_response({})

    async with fetching(handler, timeout_s=5, patience_s=10) as fetcher:
        await asyncio.gather(*[fetcher.get("/x") for _ in range(4 * CONCURRENT_MAX)])

    assert most == CONCURRENT_MAX
