# SPDX-License-Identifier: Apache-2.0
"""Run both stages in one process over topics in memory, without Kafka and Faust.

For tests, benchmarks and trying out rules. The stages are the worker's own. With a
:class:`random.Random` it interleaves partitions and stages and cuts the batches at random, as a
cluster does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from stream.addressing.partitioning import partition_of
from stream.addressing.topics import TopicNames
from stream.engine.model.directory import Directory
from stream.engine.model.messages import RulesChanged
from stream.engine.model.rule_versions import dump_book
from stream.engine.model.ruleset import RuleBook
from stream.kafka.encode import rules_record, tick_record
from stream.kafka.record_batches import Batch
from stream.process.worker_metrics import Metrics
from stream.tables.base import Record, Tables
from stream.tables.memory import MemoryTables
from stream.worker.identify import IdentifyStage
from stream.worker.reward import RewardStage

_T = TypeVar("_T")
Headers = Sequence[tuple[str, bytes]]


class Stuck(Exception):
    """The engine does not settle."""


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record in a log in memory."""

    offset: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_type: int = 1  # appended by a broker


class LocalEngine:
    """Publish source records, settle, look at ``outputs``.

    ``outputs`` and ``resolved`` hold what was published, by topic and by partition; ``clock_ms``
    is the wall clock, which only goes forward.
    """

    def __init__(
        self,
        book: RuleBook,
        directory: Directory,
        tables: Tables | None = None,
        *,
        partitions: int = 4,
        namespace: str = "local",
        random: Random | None = None,
        batch_records_max: int = 1000,
        tick_limit: int = 100,
    ) -> None:
        self.tables: Tables = tables or MemoryTables(partitions)
        self.partitions = partitions
        self.clock_ms = 0
        self.metrics = Metrics()
        self.resolved: list[list[LoggedRecord]] = [[] for _ in range(partitions)]
        self.outputs: dict[str, list[Record]] = defaultdict(list)
        self._names = TopicNames()
        self._horizons = book.horizons
        self._directory, self._namespace = directory, namespace
        self._random = random
        self._batch_records_max, self._tick_limit = batch_records_max, tick_limit
        self._sources: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
        self._identified: Counter[tuple[str, int]] = Counter()  # next offset per source partition
        self._positions = [0] * partitions
        self._generation = 0
        self._reward_stage: RewardStage
        self._identify_stage: IdentifyStage
        self._start()
        self.rule(book)

    # input -----------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Append a record to a source topic; it is handled by the next ``settle``."""
        timestamp_ms = self.clock_ms if timestamp_ms is None else timestamp_ms
        self.clock_ms = max(self.clock_ms, timestamp_ms)
        if partition is None:
            partition = 0 if key is None else partition_of(key, self.partitions)
        log = self._sources[topic, partition]
        log.append(LoggedRecord(len(log), timestamp_ms, key, value, headers))

    def rule(self, book: RuleBook) -> None:
        """Append these rules to the log of each partition."""
        begun = any(self.resolved)
        message = RulesChanged(max(1, self.clock_ms) if begun else 0, dump_book(book))
        every = range(self.partitions)
        drive(self._append([rules_record(p, message, self._names) for p in every]))

    # running ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run both stages until nothing waits."""
        drive(self.settle_async())

    def advance(self, to_ms: int) -> None:
        """Settle, then let time pass, with a tick whenever an entity becomes due."""
        drive(self.advance_async(to_ms))

    def step(self) -> bool:
        """Give one stage some of what waits (without ``random``: all); whether any did."""
        return drive(self._step())

    def restart(self, tables: Tables | None = None) -> None:
        """End the worker and start another, on other tables if given (empty: a full replay)."""
        self.tables = tables or self.tables
        self._start()

    async def settle_async(self) -> None:
        """:meth:`settle` for tables which wait for something (Redis)."""
        await self._claim()
        steps = 0
        while await self._step():
            steps += 1
            if steps > 1_000_000:
                raise Stuck("messages go round in circles")

    async def advance_async(self, to_ms: int) -> None:
        """:meth:`advance` for tables which wait for something (Redis)."""
        await self.settle_async()
        ticks = 0
        while due := await self._earliest_due(to_ms):
            at_ms, partitions = due
            self.clock_ms = max(self.clock_ms, at_ms)
            await self._append([tick_record(p, self._tick_limit, self._names) for p in partitions])
            await self.settle_async()
            ticks += 1
            if ticks > 100_000:
                raise Stuck("a tick leaves what is due still due")
        self.clock_ms = max(self.clock_ms, to_ms)

    # what is seen from outside ---------------------------------------------------------------

    @property
    def dead_letters(self) -> list[Record]:
        return self.outputs[self._names.dead_letters]

    def counts(self) -> dict[str, int]:
        """Input records by outcome: the durable counters, and ``dead`` from both stages."""
        counts = Counter(drive(self.tables.counts(range(self.partitions))))
        counts["dead"] = len(self.dead_letters)
        return {name: count for name, count in counts.items() if count}

    def entities(self) -> dict[str, bytes]:
        """Every entity's state by its key."""
        return {
            key: value
            for partition in range(self.partitions)
            for key, value in drive(self.tables.entities(partition)).items()
        }

    # inside ----------------------------------------------------------------------------------

    def _start(self) -> None:
        self._generation += 1
        self._identify_stage = IdentifyStage(
            self.tables,
            self._directory,
            self._horizons,
            self._append,
            partitions=self.partitions,
            clock_ms=lambda: self.clock_ms,
            metrics=self.metrics,
        )
        self._reward_stage = RewardStage(
            self.tables,
            self._append,
            partitions=self.partitions,
            namespace=self._namespace,
            owner="local",
            metrics=self.metrics,
        )

    async def _claim(self) -> None:
        if not self._reward_stage.owned:
            every = range(self.partitions)
            for partition, offset in (
                await self._reward_stage.claim(every, self._generation)
            ).items():
                self._positions[partition] = offset

    async def _append(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.topic != self._names.resolved:
                self.outputs[record.topic].append(record)
                continue
            partition = record.partition
            assert partition is not None
            log = self.resolved[partition]
            log.append(
                LoggedRecord(len(log), self.clock_ms, record.key, record.value, record.headers)
            )

    async def _step(self) -> bool:
        await self._claim()
        sources = [at for at, log in self._sources.items() if self._identified[at] < len(log)]
        waiting = [p for p, log in enumerate(self.resolved) if self._positions[p] < len(log)]
        if not sources and not waiting:
            return False
        identify = bool(sources)
        if self._random is not None and sources and waiting:
            identify = self._random.random() < 0.5
        if identify:
            batches = [self._source_batch(at) for at in self._some(sources)]
            await self._identify_stage.handle(batches)
            for batch in batches:  # acknowledged only now, as a worker does it
                self._identified[batch.topic, batch.partition] += len(batch.records)
        else:
            await self._reward_stage.handle([self._resolved_batch(p) for p in self._some(waiting)])
        return True

    def _some(self, of: list[_T]) -> list[_T]:
        if self._random is None:
            return of
        return self._random.sample(of, self._random.randint(1, len(of)))

    def _source_batch(self, at: tuple[str, int]) -> Batch:
        return Batch(*at, self._cut(self._sources[at], self._identified[at]))

    def _resolved_batch(self, partition: int) -> Batch:
        records = self._cut(self.resolved[partition], self._positions[partition])
        self._positions[partition] += len(records)
        return Batch(self._names.resolved, partition, records, self._generation)

    def _cut(self, log: list[LoggedRecord], start: int) -> list[LoggedRecord]:
        size = min(self._batch_records_max, len(log) - start)
        if self._random is not None:
            size = self._random.randint(1, size)
        return log[start : start + size]

    async def _earliest_due(self, to_ms: int) -> tuple[int, list[int]] | None:
        """The first due time up to ``to_ms``, and its partitions."""
        if self._reward_stage.waking:
            return self.clock_ms, sorted(self._reward_stage.waking)
        due = await self.tables.next_due(range(self.partitions))
        at_ms = min(due.values(), default=to_ms + 1)
        if at_ms > to_ms:
            return None
        return at_ms, sorted(partition for partition, time in due.items() if time == at_ms)


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run, without an event loop, a coroutine that never waits, as on tables in memory."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    coroutine.close()
    raise RuntimeError("these tables wait for something: use the async methods")
