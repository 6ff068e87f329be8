from __future__ import annotations

from collections.abc import Sequence

from stream.engine.messages import TICK_TO, Tick, decode
from stream.rules.loader import load_rules
from stream.runtime.housekeeping import Ticker
from stream.runtime.rewarder import Rewarder
from stream.runtime.topics import TopicNames
from stream.tables import Commit, MemoryTables, Record, Write

NOW_MS = 1_784_000_000_000


class World:
    def __init__(self) -> None:
        self.tables = MemoryTables(3)
        self.published: list[Record] = []
        self.rewarder = Rewarder(
            self.tables, load_rules(), self.publish, partitions=3, namespace="t", owner="t"
        )
        self.ticker = Ticker(
            self.tables,
            self.rewarder,
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
        await self.rewarder.claim([partition], 1)


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
    world.rewarder.release([2])

    assert await world.ticker.tick() == 0
    assert world.published == []
