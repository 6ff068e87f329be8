# SPDX-License-Identifier: Apache-2.0
"""How far the engine is behind what was published, and how long a killed worker is felt."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
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
STEADY_S = 3.0  # a lag of so many seconds' records; the sources' offsets are committed each second
_WARM_UP_S = 3.0
_WINDOWS = 5
_AFTERWARDS_S = 2.0  # records of that time after the kill must have been applied, too
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

    async def highest(self, seconds: float) -> int:
        """The highest of the samples within so many seconds."""
        found, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            found = max(found, await self.now())
            await asyncio.sleep(_SAMPLE_S)
        return found

    async def now(self) -> int:
        ends, reached = await self.ends(), await self._reached()
        return sum(end - reached[tp] for tp, end in ends.items())

    async def ends(self) -> dict[TopicPartition, int]:
        """Where the sources and the resolved log end."""
        names, every = self._cluster.names, range(self._cluster.partitions)
        wanted = [TopicPartition(t, p) for t in (*names.sources, names.resolved) for p in every]
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(wanted)
        return ends

    async def is_over(self, until: dict[TopicPartition, int], records: int) -> bool:
        """Whether every partition has got so far, and no more than so many records are behind.

        The sum alone would not do: for some seconds after a kill it is still an ordinary one.
        """
        reached = await self._reached()
        return all(reached[tp] >= end for tp, end in until.items()) and await self.now() <= records

    async def _reached(self) -> dict[TopicPartition, int]:
        """The next offset of each partition."""
        names, applied = self._cluster.names, self._cluster.applied()
        answer = await self._admin.list_consumer_group_offsets(self._cluster.namespace)
        committed = {tp: max(0, found.offset) for tp, found in answer.items()}
        reached = defaultdict(int, committed)
        reached |= {TopicPartition(names.resolved, p): a + 1 for p, a in enumerate(applied)}
        return reached


async def felt_for_s(stage: Stage, kill: Fault, publication: Publication) -> float:
    """Kill a worker under a steady load; seconds until the lag is back where it was before.

    Where it was: the highest of the samples within ``BASELINE_S`` before the kill. The rest of the
    publication then goes as fast as it can.
    """
    seconds = _WARM_UP_S + 2 * BASELINE_S + RECOVERED_WITHIN_S
    publication.per_second = min(PER_SECOND_MAX, len(publication.numbers) / seconds)
    publishing = asyncio.create_task(publication.run())
    async with Lag(stage.cluster) as lag:
        await asyncio.sleep(_WARM_UP_S)
        for _ in range(_WINDOWS):
            baseline = await lag.highest(BASELINE_S)
            if baseline <= STEADY_S * publication.per_second:
                break
        else:
            raise AssertionError(f"no steady load: a lag of {baseline}")
        killed = time.monotonic()
        await kill(stage)
        await asyncio.sleep(_AFTERWARDS_S)
        over = partial(lag.is_over, await lag.ends(), baseline)
        await stage.cluster.until(over, 120, "the lag stays")
        felt_s = time.monotonic() - killed
    print(
        f"{'':26} {publication.per_second:.0f}/s, a lag of {baseline}: back after {felt_s:.1f} s",
        flush=True,
    )
    publication.per_second = None
    await publishing
    return felt_s
