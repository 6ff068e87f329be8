"""The whole engine in one process: both stages over logs in memory, no Kafka, no Faust.

For tests, replays and trying out rules. The stages are the worker's own; only the topics are
lists. With a :class:`random.Random` it interleaves partitions and stages and cuts the runs at
random, which is what a cluster does to them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from stream.engine.directory import Directory
from stream.engine.ruleset import RuleBook
from stream.runtime.identifier import Identifier
from stream.runtime.metrics import Metrics
from stream.runtime.partitioning import partition_of
from stream.runtime.records import tick_record
from stream.runtime.rewarder import Rewarder
from stream.runtime.runs import Run
from stream.runtime.topics import TopicNames
from stream.tables.base import Record, Tables
from stream.tables.memory import MemoryTables

_T = TypeVar("_T")
Headers = Sequence[tuple[str, bytes]]


class Stuck(Exception):
    """The engine does not come to rest."""


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record in a log in memory."""

    offset: int
    timestamp: int  # ms
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class LocalEngine:
    """Publish source records, settle, look at ``outputs``.

    ``outputs`` and ``resolved`` hold what was published, by topic and by partition; ``clock_ms``
    is the wall clock of this small world and only ever goes forward.
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
        run_records_max: int = 1000,
        tick_limit: int = 100,
    ) -> None:
        self.tables: Tables = tables or MemoryTables(partitions)
        self.partitions = partitions
        self.clock_ms = 0
        self.metrics = Metrics()
        self.resolved: list[list[LoggedRecord]] = [[] for _ in range(partitions)]
        self.outputs: dict[str, list[Record]] = defaultdict(list)
        self._names = TopicNames()
        self._book, self._directory, self._namespace = book, directory, namespace
        self._random = random
        self._run_records_max, self._tick_limit = run_records_max, tick_limit
        self._sources: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
        self._identified: Counter[tuple[str, int]] = Counter()  # next offset per source partition
        self._positions = [0] * partitions
        self._generation = 0
        self._rewarder: Rewarder
        self._identifier: Identifier
        self._start()

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

    # running ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Run both stages until nothing waits."""
        drive(self.settle_async())

    def advance(self, to_ms: int) -> None:
        """Settle, then let time pass: whoever becomes due on the way is ticked at that time."""
        drive(self.advance_async(to_ms))

    def step(self) -> bool:
        """Hand some of what waits to one stage (without ``random``: all); whether any did."""
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
        self._identifier = Identifier(
            self.tables,
            self._directory,
            self._book,
            self._append,
            partitions=self.partitions,
            clock_ms=lambda: self.clock_ms,
            metrics=self.metrics,
        )
        self._rewarder = Rewarder(
            self.tables,
            self._book,
            self._append,
            partitions=self.partitions,
            namespace=self._namespace,
            owner="local",
            metrics=self.metrics,
        )

    async def _claim(self) -> None:
        if not self._rewarder.owned:
            every = range(self.partitions)
            for partition, offset in (await self._rewarder.claim(every, self._generation)).items():
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
            runs = [self._source_run(at) for at in self._some(sources)]
            await self._identifier.handle(runs)
            for run in runs:  # acknowledged only now, as a worker does it
                self._identified[run.topic, run.partition] += len(run.records)
        else:
            await self._rewarder.handle([self._resolved_run(p) for p in self._some(waiting)])
        return True

    def _some(self, of: list[_T]) -> list[_T]:
        if self._random is None:
            return of
        return self._random.sample(of, self._random.randint(1, len(of)))

    def _source_run(self, at: tuple[str, int]) -> Run:
        return Run(*at, self._cut(self._sources[at], self._identified[at]))

    def _resolved_run(self, partition: int) -> Run:
        records = self._cut(self.resolved[partition], self._positions[partition])
        self._positions[partition] += len(records)
        return Run(self._names.resolved, partition, records, self._generation)

    def _cut(self, log: list[LoggedRecord], start: int) -> list[LoggedRecord]:
        size = min(self._run_records_max, len(log) - start)
        if self._random is not None:
            size = self._random.randint(1, size)
        return log[start : start + size]

    async def _earliest_due(self, to_ms: int) -> tuple[int, list[int]] | None:
        """The first due time up to ``to_ms`` and the partitions which have it."""
        due = await self.tables.next_due(range(self.partitions))
        at_ms = min(due.values(), default=to_ms + 1)
        if at_ms > to_ms:
            return None
        return at_ms, sorted(partition for partition, time in due.items() if time == at_ms)


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine which never has to wait, as those on tables in memory; no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    coroutine.close()
    raise RuntimeError("these tables wait for something: use the async methods")
