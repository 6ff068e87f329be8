# SPDX-License-Identifier: Apache-2.0
"""Kafka in this world: lists of records, published batch by batch, acknowledged or not."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import orjson
from pydantic import ValidationError

from schemas import CONTRACTS
from stream.addressing.topics import TopicNames
from stream.engine.model.messages import TICK_TO, decode
from stream.kafka.encode import bytes_of
from stream.tables.base import Record
from stream.worker.in_process import LoggedRecord
from tests.simulation.scheduler import pause
from tests.simulation.violation import Check, Violation, demand

Place = tuple[str, int]  # of a source record: topic, partition
NAMES = TopicNames()


class Log:
    """All topics. Outputs are kept per topic: a consumer reads one subject in order."""

    def __init__(self, partitions: int, random: Random, twice: float) -> None:
        self.sources: dict[Place, list[LoggedRecord]] = defaultdict(list)
        self.resolved: list[list[LoggedRecord]] = [[] for _ in range(partitions)]
        self.outputs: dict[str, list[Record]] = defaultdict(list)
        self.published: set[Record] = set()
        self.repeated = False  # whether some message stands in the resolved log twice
        self._random, self._twice = random, twice

    def append_source(self, place: Place, value: bytes, headers: object, at: int) -> None:
        log = self.sources[place]
        assert isinstance(headers, tuple)
        log.append(LoggedRecord(len(log), at, None, value, headers))

    def append(self, record: Record, at: int) -> None:
        """``at``: the publisher's clock, ms."""
        if record not in self.published:
            _check_contract(record)
        if record.topic != NAMES.resolved:
            self.outputs[record.topic].append(record)
            self.published.add(record)
            return
        assert record.partition is not None
        assert record.value is not None
        if decode(record.value)[0] != TICK_TO:
            self.repeated |= record in self.published
        self.published.add(record)
        log = self.resolved[record.partition]
        log.append(LoggedRecord(len(log), at, record.key, record.value, record.headers))

    async def publish(
        self,
        records: Sequence[Record],
        clock_ms: Callable[[], int],
        allowed: Callable[[Record], None] = lambda record: None,
    ) -> None:
        """As ``Publisher.publish``: in order within a partition, partitions in any order."""
        places: dict[tuple[str, int | None], deque[Record]] = defaultdict(deque)
        for record in records:
            allowed(record)
            places[record.topic, record.partition].append(record)
        while places:
            await pause()
            place = self._random.choice([*places])
            waiting = places[place]
            batch = [*waiting][: self._random.randint(1, len(waiting))]
            for record in batch:
                self.append(record, clock_ms())
            await pause()  # here the acknowledgement is on its way
            if self._random.random() < self._twice:
                continue
            for _ in batch:
                waiting.popleft()
            if not waiting:
                del places[place]


def _check_contract(record: Record) -> None:
    """What is said to the world is what the schemas say, and fits into its topic."""
    size, most = bytes_of(record), NAMES.bytes_max(record.topic)
    demand(size <= most, Check.CONTRACT, f"{size} bytes in {record.topic}")
    if record.topic in (NAMES.resolved, NAMES.dead_letters):
        return
    type_ = next(value.decode() for name, value in record.headers if name == "ce_type")
    contract = CONTRACTS[type_]
    demand(NAMES.plain(record.topic) in contract.topics, Check.CONTRACT, f"{type_} elsewhere")
    try:
        contract.adapter.validate_python(orjson.loads(record.value or b""))
    except ValidationError as error:
        raise Violation(Check.CONTRACT, f"{type_}: {error}") from None


Publishing = Callable[[Sequence[Record]], Awaitable[None]]
