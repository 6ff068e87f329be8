# SPDX-License-Identifier: Apache-2.0
"""Connections that pack and send commands better than those of redis-py's asyncio clients.

Those build each command piece by piece in Python, at 0.4 µs an argument, and a commit has
thousands; here hiredis packs them. And they send inside ``asyncio.wait_for``, which on Python 3.11
loses a cancellation that comes while the last byte goes out (findings/redis-py-cancellation.sh):
a task that is told to end would go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import hiredis
from redis.asyncio import (
    Connection,
    ConnectionPool,
    Redis,
    RedisCluster,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry as ClientRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as SlowError


def pack(command: Iterable[Any]) -> bytes:
    """A command as it goes over the wire; its name may be several words."""
    name, *arguments = command
    packed: bytes = hiredis.pack_command((*name.split(), *arguments))
    return packed


if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection as _Base
else:
    _Base = object


class _Wire(_Base):
    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        if isinstance(command, str):
            command = command.encode()
        chunks = [command] if isinstance(command, bytes) else command
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self.socket_timeout):
                await self._send_packed_command(chunks)
        except BaseException as error:
            await self.disconnect(nowait=True)  # half a command may be on its way
            if isinstance(error, TimeoutError):
                raise SlowError("Timeout writing to socket") from None
            if isinstance(error, OSError):
                raise LostError("Redis went away while a command was sent") from error
            raise

    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack(args)]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        return [b"".join(map(pack, commands))]


class PackedConnection(_Wire, Connection):
    """Over TCP."""


class PackedSSLConnection(_Wire, SSLConnection):
    """Over TLS."""


class PackedUnixConnection(_Wire, UnixDomainSocketConnection):
    """Over a socket of this machine."""


_KINDS: Final = {
    Connection: PackedConnection,
    SSLConnection: PackedSSLConnection,
    UnixDomainSocketConnection: PackedUnixConnection,
}


def connect(url: str, *, cluster: bool, timeout_s: float, **options: Any) -> Redis | RedisCluster:
    """A client of one Redis, or of a Redis Cluster, with these connections.

    ``timeout_s`` limits each connect, write and read. One Redis gets no retries inside the client:
    there would be two back-offs, one within the other.
    """
    options |= {"protocol": 2, "socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    if cluster:
        client = RedisCluster.from_url(url, **options)
        chosen = client.connection_kwargs  # of nodes found later; no argument names the class
        chosen["connection_class"] = _KINDS[chosen["connection_class"]]
        for node in client.startup_nodes:
            node.connection_class = chosen["connection_class"]
        return client
    options |= {"retry": ClientRetry(NoBackoff(), 0)} | parse_url(url)
    options["connection_class"] = _KINDS[options.get("connection_class", Connection)]
    return Redis.from_pool(ConnectionPool(**options))
