# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponse, web

from stream.process.bounded_body import BodyTooLarge, open_session, read_bounded
from tests.services.web import Handler, serving

BODY = b" " * 100_000


async def plain(request: web.Request) -> web.Response:
    return web.Response(body=BODY)


@asynccontextmanager
async def answer_of(handler: Handler) -> AsyncIterator[ClientResponse]:
    async with (
        serving("GET", "/", handler) as url,
        open_session() as session,
        session.get(url) as response,
    ):
        yield response


@pytest.mark.parametrize("bytes_max", [len(BODY), len(BODY) + 1])
async def test_a_body_up_to_the_limit_is_whole(bytes_max: int) -> None:
    async with answer_of(plain) as response:
        assert await read_bounded(response, bytes_max) == BODY


async def test_a_larger_one_is_not_read() -> None:
    async with answer_of(plain) as response:
        with pytest.raises(BodyTooLarge):
            await read_bounded(response, len(BODY) - 1)


async def test_nothing_is_asked_for_compressed_nor_inflated() -> None:
    packed = gzip.compress(BODY)

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["accept-encoding"] == "identity"
        return web.Response(body=packed, headers={"content-encoding": "gzip"})

    async with answer_of(handler) as response:
        assert await read_bounded(response, len(packed)) == packed
