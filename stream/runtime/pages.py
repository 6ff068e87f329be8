"""Health and metrics of a process without Faust, over HTTP, on loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import orjson

_REQUEST_S: Final = 5.0


class Told(Protocol):
    """A register of metrics."""

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""


#: Answers why the process is not ready, with nothing if it is.
Readiness = Callable[[], Awaitable[list[str]]]


@asynccontextmanager
async def serving(port: int, ready: Readiness, metrics: Told) -> AsyncIterator[None]:
    """Serve ``/health/live``, ``/health/ready`` and ``/metrics``; port 0 is no server."""
    if not port:
        yield
        return

    async def on_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                words = head.split(b" ", 2)
                path = words[1].decode("latin-1") if len(words) == 3 else ""
                writer.write(_response(*await _page(path, ready, metrics)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    async with await asyncio.start_server(on_request, "127.0.0.1", port):
        yield


async def _page(path: str, ready: Readiness, metrics: Told) -> tuple[int, str, bytes]:
    """Status, content type and body."""
    match path:
        case "/health/live":
            return 200, "application/json", b'{"live":true}'
        case "/health/ready":
            problems = await ready()
            body = orjson.dumps({"ready": not problems, "problems": problems})
            return 503 if problems else 200, "application/json", body
        case "/metrics":
            return 200, "text/plain", metrics.text()
        case _:
            return 404, "text/plain", b"not found\n"


def _response(status: int, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} \r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
