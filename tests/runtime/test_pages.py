from __future__ import annotations

import asyncio
from http.client import HTTPConnection

import orjson
import pytest

from stream.runtime.health import ask
from stream.runtime.metrics import Metrics
from stream.runtime.pages import serving
from tests.services.process import free_ports


async def ready() -> list[str]:
    return []


async def unready() -> list[str]:
    return ["Redis does not answer"]


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


async def test_the_health_command_understands_the_pages() -> None:
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        assert await asyncio.to_thread(ask, port) is None
    async with serving(port, unready, Metrics()):
        said = await asyncio.to_thread(ask, port)
        status, body = await asyncio.to_thread(get, port, "/health/ready")
    assert said == "Not ready: Redis does not answer."
    assert (status, orjson.loads(body)["ready"]) == (503, False)
    assert await asyncio.to_thread(ask, port) == f"Nothing answers on port {port}."


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/health/live", 200, b'{"live":true}'),
        ("/metrics", 200, b"shadowpoints_published_records"),
        ("/", 404, b"not found"),
    ],
)
async def test_the_other_pages(path: str, status: int, words: bytes) -> None:
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        found, body = await asyncio.to_thread(get, port, path)
    assert found == status
    assert words in body


async def test_what_is_no_request_costs_a_connection_only() -> None:
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        for nonsense in (b"\r\n\r\n", b"x" * 100_000, b""):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.close()
        assert await asyncio.to_thread(ask, port) is None


async def test_port_0_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio, "start_server")
    async with serving(0, ready, Metrics()):
        pass
