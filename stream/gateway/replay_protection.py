# SPDX-License-Identifier: Apache-2.0
"""Replay protection: remembers recently accepted deliveries by what their signatures cover."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

REMEMBERED_MAX: Final = 100_000


class ReplayProtection:
    """Remembers accepted deliveries for ``window_ms``, each process for itself.

    A delivery has a key (all that its signature covers) and a body. The same key and body is a
    harmless retry; the same key with another body is a replay.
    """

    def __init__(self, window_ms: int, remembered_max: int = REMEMBERED_MAX) -> None:
        self._window_ms = window_ms
        self._remembered_max = remembered_max
        self._seen: OrderedDict[bytes, tuple[int, bytes]] = OrderedDict()

    def is_replay(self, key: str, body: bytes, now_ms: int) -> bool:
        """Whether an accepted delivery had this key and another body."""
        found = self._seen.get(_digest(key.encode()))
        return found is not None and found[0] > now_ms and found[1] != _digest(body)

    def is_known(self, key: str, now_ms: int) -> bool:
        """Whether an accepted delivery had this key, whatever its body."""
        found = self._seen.get(_digest(key.encode()))
        return found is not None and found[0] > now_ms

    def remember(self, key: str, body: bytes, now_ms: int) -> None:
        """Remember a delivery; forget the oldest ones above the limit."""
        while self._seen:
            until_ms, _ = next(iter(self._seen.values()))
            if until_ms > now_ms and len(self._seen) < self._remembered_max:
                break
            self._seen.popitem(last=False)
        self._seen.setdefault(_digest(key.encode()), (now_ms + self._window_ms, _digest(body)))


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
