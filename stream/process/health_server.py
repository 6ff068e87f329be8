# SPDX-License-Identifier: Apache-2.0
"""Serve the health and the metrics of a process over HTTP. No page names a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

CONNECTIONS_MAX: Final = 32  # at once; a further one is cut off
CONNECTION_S: Final = 5.0  # from its first to its last byte
_REQUEST_BYTES_MAX: Final = 16_384
_ANSWER_S: Final = 4.0
_STOP_S: Final = 0.5

_CLOSE: Final = {"connection": "close"}


class MetricsText(Protocol):
    """Metrics that can be printed."""

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""


#: Returns why the process is not ready; nothing if it is.
Readiness = Callable[[], Awaitable[list[str]]]


@asynccontextmanager
async def serving(
    port: int, ready: Readiness, metrics: MetricsText, host: str = "127.0.0.1"
) -> AsyncIterator[None]:
    """Serve ``/health/live``, ``/health/ready`` and ``/metrics``; port 0 is no server.

    Raises ``OSError`` for a port in use. It runs on the caller's event loop, and handles no
    signals.
    """
    if not port:
        yield
        return
    config = uvicorn.Config(
        _pages(ready, metrics),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
    )
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _BoundedProtocol(config, state, {}), host, port)
    try:
        yield
    finally:
        server.close()
        await _end(state)


async def _end(state: ServerState) -> None:
    """Answer pending requests at once, and close all connections."""
    under_way = list(state.tasks)
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way, timeout=_STOP_S)
    for connection in list(state.connections):
        connection.transport.abort()


class _BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 for few and short connections."""

    _bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._limit = self.loop.call_later(CONNECTION_S, transport.abort)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > _REQUEST_BYTES_MAX:
            self.transport.abort()
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit.cancel()
        super().connection_lost(exc)


def _pages(ready: Readiness, metrics: MetricsText) -> Starlette:
    async def live(request: Request) -> Response:
        return _response(200, "application/json", b'{"live":true}')

    async def readiness(request: Request) -> Response:
        try:
            async with asyncio.timeout(_ANSWER_S):
                problems = await ready()
        except TimeoutError:
            problems = ["the process does not answer in time"]
        except asyncio.CancelledError:  # by _end
            problems = ["the process is ending"]
        body = orjson.dumps({"ready": not problems, "problems": problems})
        return _response(503 if problems else 200, "application/json", body)

    async def numbers(request: Request) -> Response:
        return _response(200, CONTENT_TYPE_PLAIN_0_0_4, metrics.text())

    async def nowhere(request: Request, error: Exception) -> Response:
        return _response(404, "text/plain", b"not found\n")

    app = Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", readiness),
            Route("/metrics", numbers),
        ],
        exception_handlers={404: nowhere},
    )
    app.router.redirect_slashes = False
    return app


def _response(status: int, content_type: str, body: bytes) -> Response:
    return Response(body, status, {"content-type": content_type, **_CLOSE})
