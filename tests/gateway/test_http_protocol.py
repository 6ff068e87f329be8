# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from stream.gateway import http_protocol as protocol
from stream.gateway.endpoint import Delivery, Endpoint, Response
from tests.gateway.http import ask, ask_raw, read_answer, served


async def hello(delivery: Delivery) -> Response:
    return Response("hello")


ENDPOINT = Endpoint("d", "/d", hello)
REQUEST = b"POST /d HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi"


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.3)


async def closed(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(60):
            return await reader.read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"POST /d HTTP/1.1\r\nhost: x\r\n"])
@pytest.mark.usefixtures("short_patience")
async def test_a_head_that_does_not_end_ends_the_connection(sent: bytes) -> None:
    async with served(ENDPOINT) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(sent)
        assert await closed(reader)
        writer.close()


@pytest.mark.usefixtures("short_patience")
async def test_so_does_one_that_comes_drop_by_drop_after_a_good_request() -> None:
    async with served(ENDPOINT) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(REQUEST)
        assert (await read_answer(reader)).status == 200
        await asyncio.sleep(0.4)  # idle between requests is fine
        for byte in b"POST /d":
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)
        assert await closed(reader)
        writer.close()


async def test_a_head_without_end_is_rejected() -> None:
    async with served(ENDPOINT) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /d HTTP/1.1\r\nhost: x\r\nx: ")
        said = None
        for _ in range(100):
            writer.write(b"y" * 1_000)
            await asyncio.sleep(0.002)
            if gateway.server.server_state.connections == set():
                break
        said = await read_answer(reader)
        writer.close()

    assert said.status == 400


async def test_a_head_in_pieces_and_two_at_once_are_read() -> None:
    async with served(ENDPOINT) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        for start in range(0, len(REQUEST), 7):
            writer.write(REQUEST[start : start + 7])
            await asyncio.sleep(0.001)
        writer.write(REQUEST + REQUEST)
        statuses = [(await read_answer(reader)).status for _ in range(3)]
        writer.close()

    assert statuses == [200] * 3


@pytest.mark.parametrize(
    "nonsense", [b"\r\n\r\n", b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"]
)
async def test_what_is_no_http_costs_a_connection_only(nonsense: bytes) -> None:
    async with served(ENDPOINT) as gateway:
        try:
            said = await ask_raw(gateway.port, nonsense + b"x" * 300_000 + b"\r\n\r\n")
            assert said.status == 400
        except ConnectionError:
            pass
        assert (await ask(gateway.port, "/d")).status == 200
