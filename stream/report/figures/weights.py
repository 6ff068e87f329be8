# SPDX-License-Identifier: Apache-2.0
"""What entities weigh in the store: how many of each size, and the heaviest, without names."""

from __future__ import annotations

from heapq import heappush, heappushpop
from typing import Final

from stream.report.figures.counts import Counts

HEAVIEST: Final = 10
KINDS: Final = {"union": "profile", "origin": "origin", "tx": "payment"}
KIB: Final = 1_024
#: Up to so many KiB.
_SIZES: Final = ((1, "001"), (16, "016"), (256, "256"))
LARGER: Final = "more"


class Weights:
    """Weighs entities; of the heaviest it keeps kind and size alone."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._heaviest: list[tuple[int, str]] = []

    def add(self, key: str, size_bytes: int) -> None:
        """Weigh one entity as it is stored, with its pages."""
        kind = KINDS.get(key.partition(".")[0])
        if kind is None:
            return
        name = next((name for most, name in _SIZES if size_bytes <= most * KIB), LARGER)
        self._counts.add(("weights", kind, name, "entities"), 1)
        self._counts.add(("weights", kind, name, "bytes"), size_bytes)
        keep = heappush if len(self._heaviest) < HEAVIEST else heappushpop
        keep(self._heaviest, (size_bytes, kind))

    @property
    def counts(self) -> Counts:
        """All of it."""
        counts = Counts()
        counts.merge(self._counts)
        for size_bytes, kind in self._heaviest:
            counts.add(("heaviest", f"{size_bytes:012d}", kind), 1)
        return counts
