# SPDX-License-Identifier: Apache-2.0
"""A gateway process: Kafka producer, endpoints, and an HTTP server with graceful shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, Protocol

import uvicorn
from starlette.types import ASGIApp

from schemas.registry import HINT_TOPICS, SOURCES
from stream.config.settings import PREFIX, Settings, SettingsInvalid
from stream.gateway.app import gateway_app
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoint_app import GatewayContext
from stream.gateway.event_publisher import EventPublisher
from stream.gateway.http_protocol import LimitedProtocol
from stream.gateway.log_throttle import throttled_server_log
from stream.gateway.metrics import GatewayMetrics
from stream.process.clock import wall_clock_ms
from stream.process.health_server import serving
from stream.process.readiness import in_time

_log = logging.getLogger(__name__)

#: The proxy must be the first to close an idle connection; proxies do after 60 s by default.
KEEP_ALIVE_S: Final = 75
_BACKLOG: Final = 1024
#: Allocations between collections of cycles: a request allocates hundreds of short-lived objects.
_GC_THRESHOLD: Final = 20_000

#: The topics that the gateway publishes to: all source topics but the CRM's, and the hints.
TOPICS: Final = tuple(
    dict.fromkeys([*HINT_TOPICS, *(t for s in SOURCES if s.by_gateway for t in s.topics)])
)


class CanBeReady(Protocol):
    """The part of the publisher that the readiness check needs."""

    async def ready(self) -> bool:
        """Whether some broker answers now."""


class GatewayServer(uvicorn.Server):
    """uvicorn without its signal handlers, which would re-raise the signal at the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def ready(self, publisher: CanBeReady) -> list[str]:
        """Why the process is not ready; empty if it is."""
        if self.should_exit:
            return ["the gateway is ending"]
        if not self.started:
            return ["the gateway is starting"]
        word = await in_time(publisher.ready())
        return [f"Kafka {word}"] if word else []


#: Builds the endpoints, and closes their resources at exit.
Build = Callable[[Dependencies], AbstractAsyncContextManager[Sequence[Endpoint]]]


async def run(settings: Settings, build: Build) -> None:
    """Serve until SIGTERM, then finish open requests; raises ``KafkaError`` at start."""
    metrics = GatewayMetrics()
    publisher = EventPublisher(settings, metrics)
    context = GatewayContext(
        metrics,
        wall_clock_ms,
        answer_within_s=settings.gateway_answer_within_s,
        body_bytes_max=settings.gateway_body_bytes_max,
        requests_max=settings.gateway_requests_max,
    )
    metrics.watch(lambda: context.requests, lambda: publisher.unacknowledged)
    dependencies = Dependencies(
        publisher.publish, wall_clock_ms, metrics.count_event, metrics.count_forward
    )
    topics = [settings.topics.prefix + topic for topic in TOPICS]
    async with _open(publisher, topics), build(dependencies) as endpoints:
        server = GatewayServer(http_config(settings, gateway_app(endpoints, context)))
        await _serve(server, settings, publisher, metrics)


async def _serve(
    server: GatewayServer, settings: Settings, publisher: EventPublisher, metrics: GatewayMetrics
) -> None:
    listener = listen(settings)
    ready = partial(server.ready, publisher)
    async with serving(settings.web_port, ready, metrics, settings.web_host):
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _end, server)
        gc.collect()
        gc.freeze()  # imported modules stay; the collector need not look at them again
        gc.set_threshold(_GC_THRESHOLD)
        _log.info("Listening on %s:%d", settings.gateway_host, settings.gateway_port)
        with throttled_server_log():
            await server.serve([listener])


@asynccontextmanager
async def _open(publisher: EventPublisher, topics: Sequence[str]) -> AsyncIterator[None]:
    await publisher.start(topics)
    try:
        yield
    finally:
        await publisher.stop()


def listen(settings: Settings) -> socket.socket:
    """Bind the address; raises :class:`SettingsInvalid` if that fails."""
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
        _log.info("Shutting down: finishing open requests, accepting no new ones")
    server.should_exit = True


def http_config(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # it would log query strings, which name people
        proxy_headers=False,
        server_header=False,
        limit_concurrency=settings.gateway_connections_max,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.gateway_answer_within_s) + 1,
    )
