# SPDX-License-Identifier: Apache-2.0
"""Publishing records of a spool until the broker has acknowledged every one of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.chaos.journal import Journal
from tests.chaos.spool import Spool
from tests.integration.cluster import Cluster

_SLICE = 500  # records read at once
_UNDER_WAY_MAX = 20_000
_LAST_ANSWERS_S = 10.0


@dataclass
class Publication:
    """Numbers of records on their way to random partitions; ``await run()`` ends with the last.

    ``per_second`` bounds the rate and may be changed meanwhile; ``None`` is as fast as it goes.
    """

    cluster: Cluster
    spool: Spool
    journal: Journal
    random: Random
    numbers: Sequence[int]
    per_second: float | None = None
    _failed: list[int] = field(default_factory=list)
    _under_way: dict[asyncio.Future[Any], int] = field(default_factory=dict)

    async def run(self) -> None:
        waiting = list(self.numbers)
        while waiting:
            try:
                await self._attempt(waiting)
            except (KafkaError, OSError):
                await asyncio.sleep(1)
            waiting, self._failed = self._failed, []

    async def _attempt(self, numbers: list[int]) -> None:
        """Hand everything to a new producer; what is not acknowledged is in ``_failed`` then."""
        # Not idempotent: what a producer tries again by itself may be in the log twice.
        partitions = self.cluster.source_partitions  # as they are when the producer starts
        producer = AIOKafkaProducer(
            bootstrap_servers=self.cluster.bootstrap,
            acks="all",
            linger_ms=20,
            request_timeout_ms=10_000,
        )
        done = 0
        try:
            await producer.start()
            for start in itertools.count(0, _SLICE):
                if start >= len(numbers):
                    break
                part = numbers[start : start + _SLICE]
                for number, record in zip(part, self.spool.read(part), strict=True):
                    self.journal.attempts += 1
                    future = await producer.send(
                        self.cluster.names.prefix + record.topic,
                        record.value,
                        record.key,
                        headers=list(record.headers),
                        partition=self.random.randrange(partitions),
                    )
                    done += 1
                    self._under_way[future] = number
                    future.add_done_callback(self._answered)
                    if self.per_second and done % 20 == 0:
                        await asyncio.sleep(20 / self.per_second)
                while len(self._under_way) > _UNDER_WAY_MAX:
                    await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            await producer.flush()
        finally:
            self._failed += numbers[done:]
            await producer.stop()
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=_LAST_ANSWERS_S)
            for future, number in self._under_way.items():  # nobody will ever answer these
                future.remove_done_callback(self._answered)
                self._failed.append(number)
            self._under_way.clear()

    def _answered(self, future: asyncio.Future[Any]) -> None:
        number = self._under_way.pop(future)
        if future.cancelled() or future.exception() is not None:
            self._failed.append(number)
            return
        place = future.result()
        self.journal.acknowledged(number, place.topic, place.partition, place.offset)
