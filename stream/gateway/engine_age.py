# SPDX-License-Identifier: Apache-2.0
"""How old may be what the tables hold: events that are in Kafka and not yet applied.

The ends of the topics are noted every second, with the time. What a partition holds is as old as
the latest note whose ends are reached: all sources are read up to there, and its log is applied.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import takewhile
from math import inf
from typing import Final, NamedTuple, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from stream.addressing.partitioning import entity_partition
from stream.config.settings import Settings
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable
from stream.kafka.connection_errors import TopicsUnfit
from stream.kafka.group_offsets import GroupOffsets
from stream.kafka.topic_reader import TopicReader
from stream.tables.base import NOTHING_APPLIED

_log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
#: Notes are kept as long; an age beyond that is not known.
AGE_KNOWN_S: Final = 300.0


class Ends(NamedTuple):
    """Where topics ended at ``at_s``: the resolved log by partition, the sources by place."""

    at_s: float
    resolved: Mapping[int, int]
    sources: Mapping[TopicPartition, int]


class Ages:
    """The arithmetic of it. Pure; times are in seconds of one clock."""

    def __init__(self) -> None:
        self._noted: deque[Ends] = deque()
        self._since: dict[int, float] = {}

    def note(
        self, ends: Ends, applied: Mapping[int, int], read: Mapping[TopicPartition, int]
    ) -> None:
        """Take in what was seen: ``applied`` has last offsets, ``read`` the next to be read.

        They were asked for after the ends.
        """
        self._noted.append(ends)
        while self._noted[0].at_s < ends.at_s - AGE_KNOWN_S:
            self._noted.popleft()
        whole = takewhile(
            lambda e: all(read.get(place, 0) >= end for place, end in e.sources.items()),
            self._noted,
        )
        come = list(whole)
        for partition in ends.resolved:
            last = applied.get(partition, NOTHING_APPLIED)
            done = [e.at_s for e in come if e.resolved.get(partition, 0) - 1 <= last]
            self._since[partition] = done[-1] if done else -inf
        reached_s = min(self._since.values(), default=-inf)
        while self._noted[0].at_s < reached_s:  # no partition will ever be as old as that
            self._noted.popleft()

    def age_s(self, partition: int, now_s: float) -> float:
        """Every event that was in Kafka so long ago is applied; ``inf`` where that is not known."""
        return now_s - self._since.get(partition, -inf)


class EngineAge:
    """Looks every second, as long as it is entered. While nothing answers, the age grows."""

    def __init__(
        self,
        settings: Settings,
        accounts: AccountLookup,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._accounts, self._clock_s = settings, accounts, clock_s
        self._ages = Ages()
        self._seen = True  # at the last look
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def age_s(self, key: str) -> float:
        """Every event that was in Kafka so long ago is applied to this entity; ``inf``: unknown."""
        partition = entity_partition(key, self._settings.partitions)
        return self._ages.age_s(partition, self._clock_s())

    async def _look(self) -> None:
        while True:
            try:
                await self._look_on()
            except (KafkaError, OSError, TimeoutError, TopicsUnfit, LookupUnavailable) as error:
                if self._seen:
                    _log.warning(
                        "Cannot tell how far the workers are, so lookups get 503: %s", error
                    )
                self._seen = False
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look_on(self) -> None:
        names = self._settings.topics
        async with (
            TopicReader(self._settings, [names.resolved, *names.sources]) as log,
            GroupOffsets(self._settings) as group,
        ):
            while True:
                await self._look_once(log, group)
                await asyncio.sleep(LOOK_EVERY_S)

    async def _look_once(self, log: TopicReader, group: GroupOffsets) -> None:
        names, at_s = self._settings.topics, self._clock_s()
        sources = {
            TopicPartition(topic, partition): end
            for topic in names.sources
            for partition, end in (await log.ends_now(topic)).items()
            if end > log.bounds(topic, partition)[0]
        }
        ends = Ends(at_s, await log.ends_now(names.resolved), sources)
        read = await group.next_in(sources)
        self._ages.note(ends, await self._accounts.applied(list(ends.resolved)), read)
        self._seen = True
