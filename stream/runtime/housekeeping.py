"""What a worker does by the clock: ticks for whoever is due, dropping published output."""

from __future__ import annotations

import time
from collections.abc import Callable

from stream.runtime.records import tick_record
from stream.runtime.rewarder import Rewarder
from stream.runtime.runs import Publish
from stream.runtime.topics import TopicNames
from stream.tables.base import Tables


def wall_clock_ms() -> int:
    """Now, in ms since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Ticker:
    """Appends a tick to each owned partition in which somebody is due.

    Time enters the engine only as records of the resolved log, so that a replay of the log sees
    the same time pass.
    """

    def __init__(
        self,
        tables: Tables,
        rewarder: Rewarder,
        publish: Publish,
        names: TopicNames,
        *,
        limit: int,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._tables = tables
        self._rewarder = rewarder
        self._publish = publish
        self._names = names
        self._limit = limit
        self._clock_ms = clock_ms
        self._ticked_at: dict[int, int] = {}  # partition -> its next offset when it was ticked

    async def tick(self) -> int:
        """Append ticks where they are due; how many. One per partition is under way at most."""
        due = await self._tables.next_due(self._rewarder.owned)
        now_ms = self._clock_ms()
        late = [partition for partition, due_ms in due.items() if due_ms <= now_ms]
        positions = {p: self._rewarder.next_offset(p) for p in late}
        fresh = {
            partition: offset
            for partition, offset in positions.items()
            if offset is not None and self._ticked_at.get(partition) != offset
        }
        await self._publish([tick_record(p, self._limit, self._names) for p in sorted(fresh)])
        self._ticked_at |= fresh
        return len(fresh)
