# SPDX-License-Identifier: Apache-2.0
"""Share cached values among processes in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from stream.tables.base import TablesUnavailable
from stream.tables.wire import connect

TIMEOUT_S: Final = 2.0
_T = TypeVar("_T")


class RedisValues:
    """Values in one Redis, or in a Redis Cluster with ``cluster=True``."""

    def __init__(
        self, url: str, *, cluster: bool = False, client_options: Mapping[str, Any] | None = None
    ) -> None:
        self._redis: Any = connect(
            url, cluster=cluster, timeout_s=TIMEOUT_S, **(client_options or {})
        )

    async def close(self) -> None:
        await self._redis.aclose()

    async def get(self, key: str) -> bytes | None:
        value: bytes | None = await _answer(self._redis.get(key))
        return value

    async def set(self, key: str, value: bytes, ttl_ms: int) -> None:
        await _answer(self._redis.set(key, value, px=ttl_ms))

    async def set_if_absent(self, key: str, value: bytes, ttl_ms: int) -> bool:
        return bool(await _answer(self._redis.set(key, value, nx=True, px=ttl_ms)))

    async def increment(self, key: str, ttl_s: int) -> int:
        count = int(await _answer(self._redis.incr(key)))
        if count == 1:
            await _answer(self._redis.expire(key, ttl_s))
        return count

    async def delete(self, key: str) -> None:
        await _answer(self._redis.delete(key))


async def _answer(reply: Awaitable[_T]) -> _T:
    try:
        return await reply
    except (RedisError, RedisClusterException, OSError) as error:
        raise TablesUnavailable(f"Redis does not answer ({type(error).__name__})") from None
