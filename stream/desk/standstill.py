# SPDX-License-Identifier: Apache-2.0
"""Notice partitions that have records and are not read."""

from __future__ import annotations

from typing import Final

STANDS_AFTER_S: Final = 60.0


class Standstill:
    """Remembers since when each partition has been at its place."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def stands(self, place: tuple[str, int], at: int, waiting: int, now_s: float) -> bool:
        """Whether it was at the same offset at a look a minute ago or earlier, with records."""
        if not waiting:
            self._seen.pop(place, None)
            return False
        known = self._seen.get(place)
        if known is None or known[0] != at:
            self._seen[place] = at, now_s
            return False
        return now_s - known[1] >= STANDS_AFTER_S
