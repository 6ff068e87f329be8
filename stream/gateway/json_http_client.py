# SPDX-License-Identifier: Apache-2.0
"""An HTTP client for JSON with limits on time, response size and concurrency.

URLs and headers may hold secrets, so nothing here logs or repeats them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from stream.process.bounded_body import BodyTooLarge, open_session, read_bounded

CONCURRENT_MAX: Final = 32
RESPONSE_BYTES_MAX: Final = 1_048_576
_TRIES: Final = 3
_PAUSE_S: Final = 0.2
#: Statuses worth a retry.
_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})


class ServerUnavailable(Exception):
    """The server gave no usable response; the message contains no URL."""


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """A response with a JSON object (``None`` for an error's response without one)."""

    status: int
    tree: dict[str, Any] | None


class JsonClient:
    """A client of the server at ``base``. Connects lazily; ``close`` it in the same event loop.

    ``timeout_s`` limits one attempt, ``patience_s`` a whole call with its retries: less than the
    gateway's own timeout.
    """

    def __init__(self, base: str, *, timeout_s: float = 2.0, patience_s: float = 3.5) -> None:
        self._base = base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._patience_s = patience_s
        self._session: aiohttp.ClientSession | None = None
        self._room = asyncio.Semaphore(CONCURRENT_MAX)

    async def close(self) -> None:
        """Close the connections."""
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
    ) -> JsonResponse:
        """GET with retries of transient failures; raises ``ServerUnavailable``."""
        try:
            async with asyncio.timeout(self._patience_s), self._room:
                for attempt in range(1, tries + 1):
                    try:
                        return await self._once(path, query or {}, headers or {})
                    except ServerUnavailable:
                        if attempt == tries:
                            raise
                    await asyncio.sleep(_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
        except TimeoutError:
            raise ServerUnavailable("it took too long") from None
        raise AssertionError("a last try answers or raises")

    async def _once(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> JsonResponse:
        if self._session is None:
            self._session = open_session(timeout=self._timeout)
        asked = self._session.get(
            self._base + path, params=query, headers=headers, allow_redirects=False
        )
        try:
            async with asked as response:
                return _fetched(response.status, await read_bounded(response, RESPONSE_BYTES_MAX))
        except BodyTooLarge:
            raise ServerUnavailable(f"its response has over {RESPONSE_BYTES_MAX} bytes") from None
        except (aiohttp.ClientError, OSError) as error:
            # The error's own text may contain the URL.
            raise ServerUnavailable(f"it cannot be reached ({type(error).__name__})") from None


def _fetched(status: int, body: bytes) -> JsonResponse:
    if status in _TRANSIENT:
        raise ServerUnavailable(f"it answers with status {status}")
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        tree = None
    if status == 200 and not isinstance(tree, dict):
        raise ServerUnavailable("its response is no JSON object")
    return JsonResponse(status, tree if isinstance(tree, dict) else None)
