# SPDX-License-Identifier: Apache-2.0
"""The pages, asked over real connections on both kinds of event loop."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import orjson
import pytest
import uvicorn
import uvloop

from stream.commands.health_client import ask
from stream.process import health_server
from stream.process.health_server import CONNECTIONS_MAX, serving
from stream.process.worker_metrics import Metrics
from tests.services.process import free_ports


async def ready() -> list[str]:
    return []


async def unready() -> list[str]:
    return ["Redis does not answer"]


async def never() -> list[str]:
    await asyncio.sleep(60)
    return []


def get(port: int, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server ends the connection before the socket's timeout."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    def on_a_loop(work: Any) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(work)

    return on_a_loop


@pytest.mark.parametrize(
    ("path", "status", "content_type", "words"),
    [
        ("/health/live", 200, "application/json", b'{"live":true}'),
        ("/health/ready", 200, "application/json", b'{"ready":true,"problems":[]}'),
        (
            "/metrics",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            b"shadowpoints_published_records",
        ),
        ("/health/live/", 404, "text/plain", b"not found\n"),
        ("/", 404, "text/plain", b"not found\n"),
    ],
)
def test_the_pages(run: Any, path: str, status: int, content_type: str, words: bytes) -> None:
    (port,) = free_ports(1)

    async def work() -> None:
        async with serving(port, ready, Metrics()):
            response, body = await asyncio.to_thread(get, port, path)
        assert (response.status, response.headers["content-type"]) == (status, content_type)
        assert words in body

    run(work())


async def test_the_health_command_understands_the_pages() -> None:
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        assert await asyncio.to_thread(ask, port, "0.0.0.0") is None
    async with serving(port, unready, Metrics()):
        said = await asyncio.to_thread(ask, port, "0.0.0.0")
        response, body = await asyncio.to_thread(get, port, "/health/ready")
    assert said == "Not ready: Redis does not answer."
    assert (response.status, orjson.loads(body)["ready"]) == (503, False)
    said = await asyncio.to_thread(ask, port, "0.0.0.0")
    assert said is not None
    assert said.startswith(f"No Shadowpoints process answers on 127.0.0.1:{port}: ")


async def test_only_loopback_is_served() -> None:
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", port)
        with pytest.raises(OSError, match=r"in use"):
            async with serving(port, ready, Metrics()):
                pass


def test_what_is_no_request_costs_a_connection_only(run: Any) -> None:
    (port,) = free_ports(1)

    async def work() -> None:
        async with serving(port, ready, Metrics()):
            for nonsense in (b"\r\n\r\n", b"x" * 100_000, b"GET / HTTP/1.1\r\na: " * 5_000, b""):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(nonsense)
                writer.close()
            assert await asyncio.to_thread(ask, port, "0.0.0.0") is None

    run(work())


def test_a_head_without_an_end_is_cut_off(run: Any) -> None:
    (port,) = free_ports(1)

    def send_for_ever() -> bool:
        with connect(port) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\n")
            try:
                while True:
                    connection.sendall(b"a: " + b"b" * 1_000 + b"\r\n")
            except (ConnectionResetError, BrokenPipeError):
                return True

    async def work() -> None:
        async with serving(port, ready, Metrics()), asyncio.timeout(30):
            assert await asyncio.to_thread(send_for_ever)

    run(work())


def test_a_silent_connection_ends(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "CONNECTION_S", 0.2)
    (port,) = free_ports(1)

    async def work() -> None:
        async with serving(port, ready, Metrics()):
            for first in (b"", b"GET /health/live HTTP/1.1\r\n"):
                with connect(port) as connection:
                    connection.sendall(first)
                    assert await asyncio.to_thread(is_cut_off, connection)

    run(work())


def test_connections_are_limited(run: Any) -> None:
    (port,) = free_ports(1)

    async def work() -> None:
        async with serving(port, ready, Metrics()):
            idle = [connect(port) for _ in range(CONNECTIONS_MAX)]
            with connect(port) as further:
                assert await asyncio.to_thread(is_cut_off, further)
            for connection in idle:
                connection.close()
            await asyncio.sleep(0.1)
            assert await asyncio.to_thread(ask, port, "0.0.0.0") is None

    run(work())


async def test_a_check_that_takes_too_long_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "_ANSWER_S", 0.1)
    (port,) = free_ports(1)
    async with serving(port, never, Metrics()):
        said = await asyncio.to_thread(ask, port, "0.0.0.0")
    assert said == "Not ready: the process does not answer in time."


def test_the_end_does_not_wait_for_questions_or_connections(
    run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (port,) = free_ports(1)

    async def work() -> None:
        async with serving(port, never, Metrics()):
            idle = connect(port)
            question = asyncio.create_task(asyncio.to_thread(ask, port, "0.0.0.0"))
            await asyncio.sleep(0.3)
            began = time.monotonic()
        assert time.monotonic() - began < 0.5
        assert await question == "Not ready: the process is ending."
        assert await asyncio.to_thread(is_cut_off, idle)
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            connect(port)

    run(work())
    assert caplog.records == []


async def test_signals_stay_with_the_process() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    (port,) = free_ports(1)
    async with serving(port, ready, Metrics()):
        await asyncio.to_thread(get, port, "/health/live")
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


async def test_requests_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    caplog.set_level("INFO")
    async with serving(port, ready, Metrics()):
        response, body = await asyncio.to_thread(get, port, "/health/live?who=oX1", "HEAD")
    assert (response.status, body) == (200, b"")
    assert caplog.records == []


async def test_port_0_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "_BoundedProtocol", None)
    monkeypatch.delattr(uvicorn, "Config")
    async with serving(0, ready, Metrics()):
        pass
