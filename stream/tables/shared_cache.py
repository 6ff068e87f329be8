# SPDX-License-Identifier: Apache-2.0
"""A cache that processes share for a limited time, and one in memory.

They are an optimisation of their users, who go on without them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol


class SharedValues(Protocol):
    """Values that expire. Each method raises ``TablesUnavailable`` if the store does not answer."""

    async def close(self) -> None: ...

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, ttl_ms: int) -> None: ...

    async def set_if_absent(self, key: str, value: bytes, ttl_ms: int) -> bool:
        """Whether there was none, so that it is set now."""

    async def increment(self, key: str, ttl_s: int) -> int:
        """Add 1 and return the sum. The first call makes the key, which lives for ``ttl_s``."""

    async def delete(self, key: str) -> None: ...


class MemoryValues:
    """Values of this process alone."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._values: dict[str, tuple[bytes, float]] = {}  # with when it expires

    async def close(self) -> None:
        """Do nothing: there is no server."""

    async def get(self, key: str) -> bytes | None:
        value, until_s = self._values.get(key, (None, math.inf))
        if self._clock_s() < until_s:
            return value
        del self._values[key]
        return None

    async def set(self, key: str, value: bytes, ttl_ms: int) -> None:
        self._values[key] = value, self._clock_s() + ttl_ms / 1000

    async def set_if_absent(self, key: str, value: bytes, ttl_ms: int) -> bool:
        if await self.get(key) is not None:
            return False
        await self.set(key, value, ttl_ms)
        return True

    async def increment(self, key: str, ttl_s: int) -> int:
        if await self.set_if_absent(key, b"1", ttl_s * 1000):
            return 1
        value, until_s = self._values[key]
        self._values[key] = b"%d" % (int(value) + 1), until_s
        return int(value) + 1

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)
