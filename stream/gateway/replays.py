"""Which deliveries were accepted lately: some signatures do not cover the body."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Final

REMEMBERED_MAX: Final = 100_000


class Replays:
    """Remembers accepted deliveries for ``window_ms``, each process for itself.

    A delivery has a name (whatever its signature covers) and a body. The same of both is the
    sender's own repetition, or does no more than that; the same name with another body is a replay.
    """

    def __init__(self, window_ms: int, remembered_max: int = REMEMBERED_MAX) -> None:
        self._window_ms = window_ms
        self._remembered_max = remembered_max
        self._seen: OrderedDict[bytes, tuple[int, bytes]] = OrderedDict()

    def is_replay(self, name: str, body: bytes, now_ms: int) -> bool:
        """Whether an accepted delivery had this name and another body."""
        found = self._seen.get(_digest(name.encode()))
        return found is not None and found[0] > now_ms and found[1] != _digest(body)

    def is_known(self, name: str, now_ms: int) -> bool:
        """Whether an accepted delivery had this name, whatever its body."""
        found = self._seen.get(_digest(name.encode()))
        return found is not None and found[0] > now_ms

    def accept(self, name: str, body: bytes, now_ms: int) -> None:
        """Remember; the oldest are forgotten where there are too many."""
        while self._seen:
            until_ms, _ = next(iter(self._seen.values()))
            if until_ms > now_ms and len(self._seen) < self._remembered_max:
                break
            self._seen.popitem(last=False)
        self._seen.setdefault(_digest(name.encode()), (now_ms + self._window_ms, _digest(body)))


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
