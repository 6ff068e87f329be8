"""What several processes which ask WeChat share in Redis: access tokens and the day's calls.

A convenience, not a truth: while Redis does not answer, each process goes on with what it has. An
access token is sealed with a key made of the AppSecret, so whoever reads Redis cannot use it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, TypeVar, cast

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from stream.runtime.security import redis_options
from stream.settings import Settings
from stream.tables.keys import (
    wechat_calls_key,
    wechat_fetching_key,
    wechat_forced_key,
    wechat_token_key,
)

_log = logging.getLogger(__name__)

FETCH_S: Final = 10  # longer than a fetch may take
FORCE_EVERY_S: Final = 60  # WeChat wants 30 s, and 20 times a day
_CALLS_KEPT_S: Final = 2 * 86_400
_NONCE_BYTES: Final = 12
_TIMEOUT_S: Final = 2.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, to be used before ``fresh_until_ms``."""

    text: str = field(repr=False)
    fresh_until_ms: int


class Shared:
    """One deployment's part of Redis."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = settings.namespace
        options: dict[str, Any] = {
            **redis_options(settings),
            "protocol": 2,
            "socket_timeout": _TIMEOUT_S,
            "socket_connect_timeout": _TIMEOUT_S,
        }
        kind = RedisCluster if settings.redis_cluster else Redis
        self._redis: Any = kind.from_url(settings.redis_url, **options)

    async def close(self) -> None:
        await self._redis.aclose()

    async def token(self, appid: str, secret: str) -> Token | None:
        """The token which some process has left, if this AppSecret opens it."""
        key = wechat_token_key(self._namespace, appid)
        sealed = await _told(cast(Awaitable[bytes | None], self._redis.get(key)), None)
        if sealed is None:
            return None
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            text, fresh_until_ms = orjson.loads(
                _seal(secret).decrypt(nonce, content, appid.encode())
            )
        except (InvalidTag, ValueError):
            return None
        return Token(text, fresh_until_ms)

    async def keep(self, appid: str, secret: str, token: Token, now_ms: int) -> None:
        """Leave a token to the others, as long as it is fresh."""
        nonce = os.urandom(_NONCE_BYTES)
        content = orjson.dumps([token.text, token.fresh_until_ms])
        sealed = nonce + _seal(secret).encrypt(nonce, content, appid.encode())
        key, fresh_ms = wechat_token_key(self._namespace, appid), token.fresh_until_ms - now_ms
        await _told(self._redis.set(key, sealed, px=max(1, fresh_ms)), None)

    async def begin_fetch(self, appid: str) -> bool:
        """Whether it is up to us to fetch a token now."""
        key = wechat_fetching_key(self._namespace, appid)
        return bool(await _told(self._redis.set(key, b"1", nx=True, ex=FETCH_S), True))

    async def end_fetch(self, appid: str) -> None:
        """Somebody else may fetch."""
        await _told(self._redis.delete(wechat_fetching_key(self._namespace, appid)), None)

    async def may_force(self, appid: str) -> bool:
        """Whether a new token may be forced; true once in a while."""
        key = wechat_forced_key(self._namespace, appid)
        return bool(await _told(self._redis.set(key, b"1", nx=True, ex=FORCE_EVERY_S), True))

    async def count(self, day: int, appid: str, api: str) -> int:
        """Count a call; how many there were today, 0 if that cannot be known."""
        key = wechat_calls_key(self._namespace, day, appid, api)
        calls = await _told(self._redis.incr(key), 0)
        if calls == 1:
            await _told(self._redis.expire(key, _CALLS_KEPT_S), None)
        return int(calls)


async def _told(answer: Awaitable[_T], otherwise: _T) -> _T:
    try:
        return await answer
    except (RedisError, RedisClusterException, OSError) as error:
        _log.warning("Redis does not answer (%s); going on without", type(error).__name__)
        return otherwise


def _seal(secret: str) -> AESGCM:
    return AESGCM(sha256(b"shadowpoints access token\0" + secret.encode()).digest())
