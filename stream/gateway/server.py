"""One process of the gateway: Kafka, the doors, and a server which ends what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import uvicorn
from starlette.applications import Starlette

from stream.gateway.app import gateway_app
from stream.gateway.entrance import Gate
from stream.gateway.metrics import GatewayMetrics
from stream.gateway.ports import Door, Ports
from stream.gateway.protocol import LimitedProtocol
from stream.gateway.publishing import Outlet
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.pages import serving
from stream.runtime.web import in_time
from stream.settings import PREFIX, Settings, SettingsInvalid

_log = logging.getLogger(__name__)

#: A proxy must be the first to end an idle connection; theirs are 60 s by default.
KEEP_ALIVE_S: Final = 75
_BACKLOG: Final = 1024
#: Objects between looks for cycles: a request makes hundreds, which are gone when it is answered.
_GC_THRESHOLD: Final = 20_000

#: What may be sent to Kafka; all sources but the CRM's.
TOPICS: Final = (
    "wechat.pay",
    "wechat.official-account",
    "wechat.mini-program",
    "event.check-in",
    "privacy.requests",
)


class CanBeReady(Protocol):
    """The way to Kafka, as far as health is concerned."""

    async def ready(self) -> bool:
        """Whether some broker answers now."""


class GatewayServer(uvicorn.Server):
    """uvicorn, told by us when to end; its own way would end the process with the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def ready(self, outlet: CanBeReady) -> list[str]:
        """Why no delivery should come here now; nothing if it may."""
        if self.should_exit:
            return ["the gateway is ending"]
        if not self.started:
            return ["the gateway is starting"]
        word = await in_time(outlet.ready())
        return [f"Kafka {word}"] if word else []


#: Makes the doors, and takes down what they need.
Build = Callable[[Ports], AbstractAsyncContextManager[Sequence[Door]]]


async def run(settings: Settings, build: Build) -> None:
    """Serve until SIGTERM, then answer what is in work; raises ``KafkaError`` at start."""
    metrics = GatewayMetrics()
    outlet = Outlet(settings, metrics)
    gate = Gate(
        metrics,
        wall_clock_ms,
        answer_within_s=settings.gateway_answer_within_s,
        body_bytes_max=settings.gateway_body_bytes_max,
        requests_max=settings.gateway_requests_max,
    )
    metrics.watch(lambda: gate.requests, lambda: outlet.unacknowledged)
    ports = Ports(outlet.publish, wall_clock_ms, metrics.judged)
    topics = [settings.topics.prefix + topic for topic in TOPICS]
    async with _open(outlet, topics), build(ports) as doors:
        server = GatewayServer(http_config(settings, gateway_app(doors, gate)))
        await _serve(server, settings, outlet, metrics)


async def _serve(
    server: GatewayServer, settings: Settings, outlet: Outlet, metrics: GatewayMetrics
) -> None:
    listener = listen(settings)
    async with serving(settings.web_port, lambda: server.ready(outlet), metrics):
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _end, server)
        gc.collect()
        gc.freeze()  # what was imported stays, and need not be looked through again
        gc.set_threshold(_GC_THRESHOLD)
        _log.info("Listening on %s:%d", settings.gateway_host, settings.gateway_port)
        await server.serve([listener])


@asynccontextmanager
async def _open(outlet: Outlet, topics: Sequence[str]) -> AsyncIterator[None]:
    await outlet.start(topics)
    try:
        yield
    finally:
        await outlet.stop()


def listen(settings: Settings) -> socket.socket:
    """Raises :class:`SettingsInvalid` for an address which cannot be had."""
    host, port = settings.gateway_host, settings.gateway_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsInvalid(
            [f"{PREFIX}GATEWAY_HOST and {PREFIX}GATEWAY_PORT: {error.strerror}."]
        ) from None


def _end(server: uvicorn.Server) -> None:
    if not server.should_exit:
        _log.info("Ending: what is in work is answered, nothing new is taken")
    server.should_exit = True


def http_config(settings: Settings, app: Starlette) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would repeat query strings, which name people
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.gateway_connections_max,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.gateway_answer_within_s) + 1,
    )
