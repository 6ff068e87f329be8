# SPDX-License-Identifier: Apache-2.0
"""Serve the desk until the process is told to end."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from stream.config.settings import PREFIX, SettingsInvalid
from stream.desk.app import Desk
from stream.desk.sessions import Gate
from stream.desk.sources import Sources

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONNECTIONS_MAX = 64


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class DeskServer:
    """A server on a listener that is open already."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        self._server, self._listener = _Server(config), listener

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve([self._listener])

    def stop(self) -> None:
        self._server.should_exit = True

    @property
    def address(self) -> str:
        """Its URL."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def desk_server(sources: Sources, token: str, second: str | None, port: int) -> DeskServer:
    """A server that listens already; raises `SettingsInvalid`. Port 0 is any free one."""
    host = sources.settings.desk_host
    gate = Gate(token, time.monotonic)
    app = Desk(sources, gate, Gate(second, time.monotonic) if second else None).app()
    if host in LOOPBACK:  # a name of another site that leads here is refused
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would log query strings
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_graceful_shutdown=2,
    )
    return DeskServer(config, _listen(host, port))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsInvalid(
            [f"{PREFIX}DESK_HOST and {PREFIX}DESK_PORT: {error.strerror}."]
        ) from None
