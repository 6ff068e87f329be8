# SPDX-License-Identifier: Apache-2.0
"""Redis servers with other settings than the session's, and a network which loses things."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from redis import RedisCluster
from redis.exceptions import RedisError

from tests.services.process import LOOPBACK, ServiceUnavailable, free_ports
from tests.services.redis import RedisServer

CLUSTER_NODES = 3
CLUSTER_TIMEOUT_S = 30.0


class ConfiguredRedis(RedisServer):
    """`redis-server` with `options` on top of the durable settings."""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__("no")
        self._options = options

    @property
    def port(self) -> int:
        return self._port

    def _command(self) -> list[str]:
        pairs = ((f"--{name}", value) for name, value in self._options.items())
        return [*super()._command(), *(word for pair in pairs for word in pair)]


class ClusterMember(ConfiguredRedis):
    """One node; its bus port is a free one instead of its own plus 10,000."""

    def __init__(self) -> None:
        super().__init__({"cluster-enabled": "yes"})

    def _prepare(self) -> None:
        self._port, bus_port = free_ports(2)
        self._options = {**self._options, "cluster-port": str(bus_port)}


@contextmanager
def redis_cluster() -> Iterator[list[ClusterMember]]:
    """Three primaries which share the slots."""
    if shutil.which("redis-cli") is None:
        raise ServiceUnavailable("redis-cli is not installed")
    with ExitStack() as stack:
        members = [stack.enter_context(ClusterMember()) for _ in range(CLUSTER_NODES)]
        subprocess.run(
            [
                "redis-cli",
                "--cluster",
                "create",
                *(f"{LOOPBACK}:{member.port}" for member in members),
                "--cluster-yes",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=CLUSTER_TIMEOUT_S,
        )
        _wait_until_covered(members[0].port)
        yield members


def _wait_until_covered(port: int) -> None:
    deadline_s = time.monotonic() + CLUSTER_TIMEOUT_S
    while time.monotonic() < deadline_s:
        try:
            with RedisCluster(host=LOOPBACK, port=port) as client:
                if all(
                    client.cluster_info(target_nodes=node)["cluster_state"] == "ok"
                    for node in client.get_primaries()
                ):
                    return
        except RedisError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the cluster's slots are not all served")


@dataclass(eq=False)
class Proxy:
    """Passes everything on, except that it loses the next script call or the reply to it."""

    target: str  # where new connections lead to
    url: str = ""
    lose: str | None = None  # "request" or "reply": closes the connection, once
    calls: list[bytes] = field(default_factory=list)  # requests with a script call, as sent


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """A proxy before database 0 of the Redis at `redis://host:port/0`."""
    proxy = Proxy(url)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _pass_on(proxy, reader, writer)
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(accept, LOOPBACK, 0)
    proxy.url = f"redis://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(
    proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    up_reader, up_writer = await asyncio.open_connection(*_address(proxy.target))
    try:
        while request := await reader.read(1 << 20):
            lost = None
            if b"EVALSHA" in request:
                proxy.calls.append(request)
                lost, proxy.lose = proxy.lose, None
            if lost == "request":
                return
            up_writer.write(request)
            await up_writer.drain()
            reply = await up_reader.read(1 << 20)
            if lost == "reply":
                return
            writer.write(reply)
            await writer.drain()
    finally:
        up_writer.close()


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("redis://").partition("/")[0].partition(":")
    return host, int(port)


async def send_again(url: str, request: bytes) -> bytes:
    """What Redis answers to a request which comes a second time, on a connection of its own."""
    reader, writer = await asyncio.open_connection(*_address(url))
    try:
        writer.write(request)
        return await reader.read(1 << 16)
    finally:
        writer.close()
        await writer.wait_closed()
