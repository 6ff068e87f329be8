# SPDX-License-Identifier: Apache-2.0
"""A client which costs little: ready-made requests on connections which stay open.

Closed: each connection sends its next request when the last is answered, which finds the rate that
saturates. Paced: requests are due at a fixed rate, whether earlier ones are answered or not, and
the time counts from when one was due, so that nothing hides a queue.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle


@dataclass
class Answered:
    """Of one run; ``times_s`` are those of all answers, in order of arrival."""

    took_s: float = 0.0
    times_s: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def per_second(self) -> float:
        return len(self.times_s) / self.took_s

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.times_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", "host: gateway", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._heard = b""
        self._since_s = 0.0

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self, request: bytes, since_s: float) -> None:
        assert self._transport is not None
        self._since_s = since_s
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length or b"0"):
            return
        self._heard = b""
        self._run.answered(self, head.startswith(b"HTTP/1.1 20"), self._since_s)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Run:
    """``rate`` is per second; 0 is closed."""

    def __init__(self, requests: Sequence[bytes], seconds: float, rate: float) -> None:
        self._requests = cycle(requests)
        self._end_s = time.perf_counter() + seconds
        self._rate = rate
        self._due: deque[float] = deque()
        self.idle: list[_Connection] = []
        self.found = Answered()

    def answered(self, connection: _Connection, well: bool, since_s: float) -> None:
        now_s = time.perf_counter()
        self.found.times_s.append(now_s - since_s)
        self.found.refused += not well
        if self._rate:
            if self._due:
                connection.send(next(self._requests), self._due.popleft())
            else:
                self.idle.append(connection)
        elif now_s < self._end_s:
            connection.send(next(self._requests), now_s)
        else:
            self.idle.append(connection)

    async def drive(self, connections: list[_Connection]) -> None:
        began_s = time.perf_counter()
        self.idle = list(connections)
        if self._rate:
            await self._pace()
        else:
            while self.idle:
                self.idle.pop().send(next(self._requests), time.perf_counter())
        while len(self.idle) < len(connections):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.found.took_s = time.perf_counter() - began_s

    async def _pace(self) -> None:
        next_s = time.perf_counter()
        while next_s < self._end_s:
            now_s = time.perf_counter()
            while next_s <= now_s:
                if self.idle:
                    self.idle.pop().send(next(self._requests), next_s)
                else:
                    self._due.append(next_s)
                next_s += 1 / self._rate
            await asyncio.sleep(max(0.0, next_s - time.perf_counter()))


async def load(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float, rate: float = 0.0
) -> Answered:
    """Send these over and over; ``rate`` per second, as fast as answers come if it is 0."""
    run = _Run(requests, seconds, rate)
    loop = asyncio.get_running_loop()
    opened = []
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
        opened.append(connection)
    try:
        await run.drive(opened)
    finally:
        for connection in opened:
            connection.close()
    return run.found
