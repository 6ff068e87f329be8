# SPDX-License-Identifier: Apache-2.0
"""Share access tokens, the day's count of calls and the progress of lists, through the store.

Tokens and counts are an optimisation: while the store does not answer, each process works with its
own values. Lists of shops wait for it.
An access token is encrypted under a key derived from the AppSecret, so a reader of the store cannot
use it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeVar

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stream.config.settings import Settings
from stream.lookup.open_tables import values_of
from stream.tables import TablesUnavailable
from stream.tables.keys import (
    wechat_calls_key,
    wechat_fetching_key,
    wechat_filled_key,
    wechat_filling_key,
    wechat_forced_key,
    wechat_token_key,
)

_log = logging.getLogger(__name__)

FETCH_MS: Final = 10_000  # longer than a fetch can take
FORCE_EVERY_MS: Final = 60_000  # WeChat allows it every 30 s, and 20 times a day
_CALLS_KEPT_S: Final = 2 * 86_400
_FILLED_KEPT_MS: Final = 60 * 86_400_000
_NONCE_BYTES: Final = 12
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token, to be used before ``fresh_until_ms``."""

    text: str = field(repr=False)
    fresh_until_ms: int


class SharedState:
    """What the processes of one deployment share."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = settings.namespace
        self._values = values_of(settings)

    async def close(self) -> None:
        await self._values.close()

    async def token(self, appid: str, secret: str) -> AccessToken | None:
        """The token that another process stored, if this AppSecret decrypts it."""
        key = wechat_token_key(self._namespace, appid)
        sealed = await _or_default(self._values.get(key), None)
        if sealed is None:
            return None
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            text, fresh_until_ms = orjson.loads(
                _seal(secret).decrypt(nonce, content, appid.encode())
            )
        except (InvalidTag, ValueError):
            return None
        return AccessToken(text, fresh_until_ms)

    async def keep(self, appid: str, secret: str, token: AccessToken, now_ms: int) -> None:
        """Store a token for the other processes until it expires."""
        nonce = os.urandom(_NONCE_BYTES)
        content = orjson.dumps([token.text, token.fresh_until_ms])
        sealed = nonce + _seal(secret).encrypt(nonce, content, appid.encode())
        key, fresh_ms = wechat_token_key(self._namespace, appid), token.fresh_until_ms - now_ms
        await _or_default(self._values.set(key, sealed, max(1, fresh_ms)), None)

    async def begin_fetch(self, appid: str) -> bool:
        """Whether this process is to fetch the token now."""
        key = wechat_fetching_key(self._namespace, appid)
        return await _or_default(self._values.set_if_absent(key, b"1", FETCH_MS), True)

    async def end_fetch(self, appid: str) -> None:
        """Allow other processes to fetch."""
        await _or_default(self._values.delete(wechat_fetching_key(self._namespace, appid)), None)

    async def may_force(self, appid: str) -> bool:
        """Whether a new token may be forced now; true once in ``FORCE_EVERY_MS``."""
        key = wechat_forced_key(self._namespace, appid)
        return await _or_default(self._values.set_if_absent(key, b"1", FORCE_EVERY_MS), True)

    async def count(self, day: int, appid: str, api: str) -> int:
        """Count a call; return the number of today's calls, or 0 if the store does not answer."""
        key = wechat_calls_key(self._namespace, day, appid, api)
        return await _or_default(self._values.increment(key, _CALLS_KEPT_S), 0)

    async def begin_fill(self, appid: str, name: str, for_ms: int) -> bool:
        """Whether this process is to list now; raises ``TablesUnavailable``."""
        key = wechat_filling_key(self._namespace, appid, name)
        return await self._values.set_if_absent(key, b"1", for_ms)

    async def extend_fill(self, appid: str, name: str, for_ms: int) -> None:
        """No other process is to list for so long."""
        key = wechat_filling_key(self._namespace, appid, name)
        await _or_default(self._values.set(key, b"1", for_ms), None)

    async def filled_until(self, appid: str, name: str) -> int | None:
        """The time (ms) up to which a list is done with; raises ``TablesUnavailable``."""
        found = await self._values.get(wechat_filled_key(self._namespace, appid, name))
        return None if found is None else int(found)

    async def keep_filled(self, appid: str, name: str, until_ms: int) -> None:
        """A list is done with up to then; raises ``TablesUnavailable``."""
        key = wechat_filled_key(self._namespace, appid, name)
        await self._values.set(key, b"%d" % until_ms, _FILLED_KEPT_MS)


async def _or_default(answer: Awaitable[_T], default: _T) -> _T:
    try:
        return await answer
    except TablesUnavailable as error:
        _log.warning("%s; continuing without it", error)
        return default


def _seal(secret: str) -> AESGCM:
    return AESGCM(sha256(b"shadowpoints access token\0" + secret.encode()).digest())
