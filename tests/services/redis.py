# SPDX-License-Identifier: Apache-2.0
"""A real Redis server with the durability settings that production needs.

`REDIS_SERVER` names another binary to run: another version of Redis, or Valkey.
"""

from __future__ import annotations

import os
import shutil
from typing import ClassVar, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.process import LOOPBACK, Server, ServiceUnavailable, free_ports

_ONCE = Retry(NoBackoff(), 0)  # the client's default tries for seconds


class RedisServer(Server):
    """`redis-server` on a loopback port, append-only file on, nothing evicted."""

    name: ClassVar[str] = "redis"
    start_timeout_s: ClassVar[float] = 60.0
    stop_timeout_s: ClassVar[float] = 10.0

    def __init__(self, appendfsync: Literal["always", "everysec", "no"] = "everysec") -> None:
        wanted = os.environ.get("REDIS_SERVER", "redis-server")
        binary = shutil.which(wanted)
        if binary is None:
            raise ServiceUnavailable(f"{wanted} is not installed")
        super().__init__()
        self._binary = binary
        self._appendfsync = appendfsync
        self._port = 0

    @property
    def url(self) -> str:
        """Address of database 0, as redis clients take it."""
        return f"redis://{LOOPBACK}:{self._port}/0"

    def _prepare(self) -> None:
        (self._port,) = free_ports(1)

    def _command(self) -> list[str]:
        options = {
            "bind": LOOPBACK, "port": str(self._port), "dir": str(self.directory),
            "daemonize": "no", "save": "", "appendonly": "yes", "appendfsync": self._appendfsync,
            "maxmemory-policy": "noeviction",
        }  # fmt: skip
        pairs = ((f"--{name}", value) for name, value in options.items())
        return [self._binary, *(word for pair in pairs for word in pair)]

    def _ready(self) -> bool:
        # BusyLoadingError, while the append-only file is read, is a ConnectionError too.
        try:
            with redis.Redis(LOOPBACK, self._port, socket_timeout=1.0, retry=_ONCE) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
