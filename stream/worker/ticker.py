# SPDX-License-Identifier: Apache-2.0
"""Append ticks to the resolved log, so that entities that are due are evaluated again."""

from __future__ import annotations

from collections.abc import Callable

from stream.addressing.topics import TopicNames
from stream.kafka.encode import tick_record
from stream.kafka.record_batches import Publish
from stream.process.clock import wall_clock_ms
from stream.tables.base import Tables
from stream.worker.reward import RewardStage


class Ticker:
    """Appends a tick to each owned partition where an entity is due, or is to be woken.

    Time enters the engine only as records of the resolved log, so that a replay of the log sees
    the same times.
    """

    def __init__(
        self,
        tables: Tables,
        reward_stage: RewardStage,
        publish: Publish,
        names: TopicNames,
        *,
        limit: int,
        clock_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._tables = tables
        self._reward_stage = reward_stage
        self._publish = publish
        self._names = names
        self._limit = limit
        self._clock_ms = clock_ms
        self._ticked_at: dict[int, int] = {}  # partition -> its next offset when it was ticked

    async def tick(self) -> int:
        """Append ticks where they are due, one pending per partition; returns how many."""
        due = await self._tables.next_due(self._reward_stage.owned)
        now_ms = self._clock_ms()
        late = {partition for partition, due_ms in due.items() if due_ms <= now_ms}
        late.update(self._reward_stage.waking)
        positions = {p: self._reward_stage.next_offset(p) for p in late}
        fresh = {
            partition: offset
            for partition, offset in positions.items()
            if offset is not None and self._ticked_at.get(partition) != offset
        }
        await self._publish([tick_record(p, self._limit, self._names) for p in sorted(fresh)])
        self._ticked_at |= fresh
        return len(fresh)
