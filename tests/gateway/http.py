# SPDX-License-Identifier: Apache-2.0
"""Serves test endpoints over HTTP in this process; and a client that sends raw bytes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stream.config.settings import PREFIX, Settings, load_settings
from stream.gateway.app import gateway_app
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoint_app import GatewayContext
from stream.gateway.metrics import GatewayMetrics
from stream.gateway.server import GatewayServer, http_config

NOW_MS = 1_772_323_200_000  # 2026-03-01 08:00 in Beijing


def settings_of(**variables: str) -> Settings:
    return load_settings({f"{PREFIX}{name}": value for name, value in variables.items()})


@dataclass
class Served:
    """Endpoints behind a port."""

    port: int
    context: GatewayContext
    server: GatewayServer

    def counts(self, name: str) -> dict[tuple[str, ...], float]:
        """A counter of ours by its labels, without zeros."""
        found = {}
        for family in self.context.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == f"shadowpoints_gateway_{name}_total" and sample.value:
                    found[tuple(sample.labels.values())] = sample.value
        return found


@asynccontextmanager
async def served(
    *endpoints: Endpoint, clock: Callable[[], int] = lambda: NOW_MS, **variables: str
) -> AsyncIterator[Served]:
    settings = settings_of(**variables)
    context = GatewayContext(
        GatewayMetrics(),
        clock,
        answer_within_s=settings.gateway_answer_within_s,
        body_bytes_max=settings.gateway_body_bytes_max,
        requests_max=settings.gateway_requests_max,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = GatewayServer(http_config(settings, gateway_app(endpoints, context)))
    running = asyncio.create_task(server.serve([listener]))
    try:
        yield Served(port, context, server)
    finally:
        server.should_exit = True
        await running


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Said:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(
    port: int,
    path: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    chunks: tuple[bytes, ...] = (),
) -> Said:
    """One request on a connection of its own; ``chunks`` are sent chunked instead of a body."""
    length = {"transfer-encoding": "chunked"} if chunks else {"content-length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", "host: gateway"]
    lines += [f"{k}: {v}" for k, v in (length | dict(headers or {})).items()]
    sent = "\r\n".join([*lines, "", ""]).encode() + body
    for chunk in chunks:
        sent += b"%x\r\n%b\r\n" % (len(chunk), chunk)
    return await ask_raw(port, sent + (b"0\r\n\r\n" if chunks else b""))


async def ask_raw(port: int, sent: bytes) -> Said:
    """Bytes to the gateway, and the answer to them; raises `ConnectionError` if there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(60):
            return await read_answer(reader)
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> Said:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        raise ConnectionResetError from None
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Said(int(head[0].split(" ")[1]), headers, body)
