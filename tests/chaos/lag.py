"""How far the engine is behind what was published, and how long a killed worker is felt."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from tests.chaos.publishing import Publication
from tests.chaos.stage import Fault, Stage
from tests.integration.cluster import Cluster

PER_SECOND_MAX = 1_000.0
BASELINE_S = 4.0
RECOVERED_WITHIN_S = 20.0
_WARM_UP_S = 3.0
_SAMPLE_S = 0.25


class Lag:
    """Records published and not yet applied; the part of the sources is known to a second."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._consumer = AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._admin.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._admin.close()
        await self._consumer.stop()

    async def is_at_most(self, records: int) -> bool:
        return await self.now() <= records

    async def now(self) -> int:
        names, every = self._cluster.names, range(self._cluster.partitions)
        sources = [TopicPartition(topic, p) for topic in names.sources for p in every]
        resolved = [TopicPartition(names.resolved, p) for p in every]
        ends = await self._consumer.end_offsets([*sources, *resolved])
        committed = await self._admin.list_consumer_group_offsets(self._cluster.namespace)
        applied = self._cluster.applied()
        behind = sum(ends[tp] - max(0, committed[tp].offset) for tp in sources if tp in committed)
        behind += sum(ends[tp] for tp in sources if tp not in committed)
        behind += sum(ends[tp] - 1 - applied[tp.partition] for tp in resolved)
        return int(behind)


async def felt_for_s(stage: Stage, kill: Fault, publication: Publication) -> float:
    """Kill a worker under a steady load; seconds until the lag is back where it was before.

    Where it was: the highest of the samples within ``BASELINE_S`` before the kill. The rest of the
    publication then goes as fast as it can.
    """
    seconds = _WARM_UP_S + BASELINE_S + RECOVERED_WITHIN_S
    publication.per_second = min(PER_SECOND_MAX, len(publication.numbers) / seconds)
    publishing = asyncio.create_task(publication.run())
    async with Lag(stage.cluster) as lag:
        await asyncio.sleep(_WARM_UP_S)
        baseline, before = 0, time.monotonic() + BASELINE_S
        while time.monotonic() < before:
            baseline = max(baseline, await lag.now())
            await asyncio.sleep(_SAMPLE_S)
        assert baseline <= 3 * publication.per_second + 100, "the load was not steady"
        killed = time.monotonic()
        await kill(stage)
        await asyncio.sleep(2)  # it takes a moment to be felt at all
        await stage.cluster.until(partial(lag.is_at_most, baseline), 120, "the lag stays")
        felt_s = time.monotonic() - killed
    print(
        f"{'':26} {publication.per_second:.0f}/s, a lag of {baseline}: back after {felt_s:.1f} s",
        flush=True,
    )
    publication.per_second = None
    await publishing
    return felt_s
