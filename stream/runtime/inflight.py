"""Which runs a consumer has delivered and which of them are done: the offset that may be committed.

Faust's own account knows single offsets; a run is acknowledged as a whole, by its last offset.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from faust.types import TP


class InFlight:
    """Per partition, the last offsets of the delivered runs, oldest first."""

    def __init__(self) -> None:
        self._delivered: dict[TP, deque[int]] = defaultdict(deque)

    def deliver(self, tp: TP, last_offset: int) -> None:
        """A run goes to its agent."""
        self._delivered[tp].append(last_offset)

    def take(self, tp: TP, acknowledged: set[int]) -> int | None:
        """The offset to commit: the end of the longest acknowledged prefix, which is forgotten.

        Offsets of that prefix are removed from ``acknowledged``; ``None``: nothing new.
        """
        delivered, done = self._delivered[tp], None
        while delivered and delivered[0] in acknowledged:
            last = delivered.popleft()
            acknowledged.discard(last)
            done = last + 1
        return done

    def forget(self, tps: Iterable[TP] | None = None) -> None:
        """These partitions (all of them) will be fetched anew."""
        for tp in list(self._delivered) if tps is None else tps:
            self._delivered.pop(tp, None)
