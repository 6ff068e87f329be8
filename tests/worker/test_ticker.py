# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence

from stream.addressing.topics import TopicNames
from stream.engine.model.messages import TICK_TO, Tick, decode
from stream.tables import Commit, MemoryTables, Record, Write
from stream.worker.reward import RewardStage
from stream.worker.ticker import Ticker

NOW_MS = 1_784_000_000_000


class World:
    def __init__(self) -> None:
        self.tables = MemoryTables(3)
        self.published: list[Record] = []
        self.reward_stage = RewardStage(
            self.tables, self.publish, partitions=3, namespace="t", owner="t"
        )
        self.ticker = Ticker(
            self.tables,
            self.reward_stage,
            self.publish,
            TopicNames(),
            limit=7,
            clock_ms=lambda: NOW_MS,
        )

    async def publish(self, records: Sequence[Record]) -> None:
        self.published += records

    async def apply(self, partition: int, expected: int, due_ms: int) -> None:
        epoch = (await self.tables.claim([partition], 1, "t"))[partition].epoch
        writes = {"tx.1": Write(b"x", due_ms)}
        await self.tables.commit([Commit(partition, epoch, expected, expected + 1, 0, writes)])
        await self.reward_stage.claim([partition], 1)


async def test_a_partition_with_somebody_due_is_ticked_once_until_it_moves_on() -> None:
    world = World()
    await world.apply(1, -1, NOW_MS)
    assert [await world.ticker.tick(), await world.ticker.tick()] == [1, 0]
    (record,) = world.published
    assert (record.topic, record.key, record.partition) == ("shadow.resolved", None, 1)
    assert decode(record.value or b"") == (TICK_TO, Tick(7))
    await world.apply(1, 0, NOW_MS)
    assert await world.ticker.tick() == 1


async def test_nobody_due_or_not_ours_is_not_ticked() -> None:
    world = World()
    await world.apply(0, -1, NOW_MS + 1)
    await world.apply(2, -1, NOW_MS)
    world.reward_stage.release([2])
    assert await world.ticker.tick() == 0
    assert world.published == []
