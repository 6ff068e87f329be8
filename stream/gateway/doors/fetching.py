"""JSON fetched from another server, bounded in time, size and number at once.

Addresses and headers may hold secrets, so that nothing here logs or repeats them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from stream.runtime.bodies import BodyTooLarge, open_session, read_bounded

AT_ONCE_MAX: Final = 32
ANSWER_BYTES_MAX: Final = 1_048_576
_TRIES: Final = 3
_PAUSE_S: Final = 0.2
#: What is said by a server which may say otherwise in a moment.
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


class Away(Exception):
    """The server does not answer, or not with what it should; the message names no address."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer with a JSON object (or ``None`` in an error's answer without one)."""

    status: int
    tree: dict[str, Any] | None


class Fetcher:
    """One server at ``base``. Connects when first asked; ``close`` it in the same event loop.

    ``timeout_s`` is for one try, ``patience_s`` for a whole call with its waiting and its tries:
    less than the gateway has for an answer.
    """

    def __init__(self, base: str, *, timeout_s: float = 2.0, patience_s: float = 3.5) -> None:
        self._base = base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None
        self._room = asyncio.Semaphore(AT_ONCE_MAX)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int = _TRIES,
    ) -> Fetched:
        """GET it, again where that may help; raises ``Away``."""
        try:
            async with asyncio.timeout(self._patience_s), self._room:
                for attempt in range(1, tries + 1):
                    try:
                        return await self._once(path, query or {}, headers or {})
                    except Away:
                        if attempt == tries:
                            raise
                    await asyncio.sleep(_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
        except TimeoutError:
            raise Away("it took too long") from None
        raise AssertionError("a last try answers or raises")

    async def _once(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Fetched:
        if self._session is None:
            self._session = open_session(timeout=self._timeout)
        asked = self._session.get(
            self._base + path, params=query, headers=headers, allow_redirects=False
        )
        try:
            async with asked as response:
                return _fetched(response.status, await read_bounded(response, ANSWER_BYTES_MAX))
        except BodyTooLarge:
            raise Away(f"its answer has over {ANSWER_BYTES_MAX} bytes") from None
        except (aiohttp.ClientError, OSError) as error:
            # The error's own text may hold the address.
            raise Away(f"it cannot be reached ({type(error).__name__})") from None


def _fetched(status: int, body: bytes) -> Fetched:
    if status in _PASSING:
        raise Away(f"it answers with status {status}")
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        tree = None
    if status == 200 and not isinstance(tree, dict):
        raise Away("its answer is no JSON object")
    return Fetched(status, tree if isinstance(tree, dict) else None)
