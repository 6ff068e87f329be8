# SPDX-License-Identifier: Apache-2.0
"""A worker around the real stages: what Faust's consumer and the agents do, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream.kafka.record_batches import Batch
from stream.process.worker_metrics import Metrics
from stream.tables.base import Record
from stream.worker.identify import IdentifyStage
from stream.worker.in_process import LoggedRecord
from stream.worker.reward import RewardStage
from stream.worker.ticker import Ticker
from tests.simulation.log import NAMES, Place
from tests.simulation.scheduler import Task, pause, until
from tests.simulation.store import Line
from tests.simulation.violation import Check, demand
from tests.support.books import DIRECTORY

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

METRICS = Metrics()  # nobody looks at them, and registers are slow to make


@dataclass(frozen=True)
class Assignment:
    """What the group deals one of its members."""

    generation: int
    resolved: tuple[int, ...]
    sources: tuple[Place, ...]


@dataclass
class Broker:
    """The consumer group's side: who owns the sources, and how far they are identified."""

    generation: int = 0
    committed: dict[Place, int] = field(default_factory=dict)

    def commit(self, offsets: dict[Place, int], generation: int) -> None:
        """A member of an old generation is not listened to."""
        if generation == self.generation:
            self.committed |= offsets


class Worker:
    """One process. ``frozen`` is set from outside: then nothing of it moves."""

    def __init__(self, world: Cluster, number: int, name: str) -> None:
        self.number, self.name, self.frozen, self.beat = number, name, False, False
        self._world, self._random, plan = world, world.random, world.plan
        self._skew_ms = plan.skews_ms[number]
        self._generation, self._joining = 0, True
        self._next_source: dict[Place, int] = {}
        self._next_resolved: dict[int, int] = {}
        self._acked: dict[Place, int] = {}
        self._queue: list[Batch] = []  # fetched, not yet handled; outlives a rebalance
        self._busy = 0  # how many stages are at work
        self._invited: Assignment | None = None
        line = Line(world.store, name, self._random, lost_replies=plan.lost_replies)
        stale = Line(world.store, name, self._random, stale=plan.stale)
        self.identify_stage = IdentifyStage(
            stale,
            DIRECTORY,
            plan.rules.horizons,
            self._publish_anything,
            partitions=plan.partitions,
            clock_ms=self.clock_ms,
            metrics=METRICS,
        )
        self.reward_stage = RewardStage(
            line,
            self._publish_promised,
            partitions=plan.partitions,
            namespace="simulation",
            owner=name,
            metrics=METRICS,
        )
        self.ticker = Ticker(
            line,
            self.reward_stage,
            self._publish_anything,
            NAMES,
            limit=plan.tick_limit,
            clock_ms=self.clock_ms,
        )
        self.tasks = [
            Task("group", self._group()),
            Task("identify", self._identify()),
            Task("reward", self._reward()),
            Task("housekeeping", self._keep_house()),
        ]

    def clock_ms(self) -> int:
        return self._world.clock + self._skew_ms

    def invite(self, assignment: Assignment) -> None:
        """The group tells a member what it has from now on."""
        self._invited = assignment

    def kill(self) -> None:
        for task in self.tasks:
            task.kill()

    # publishing ------------------------------------------------------------------------------

    async def _publish_anything(self, records: Sequence[Record]) -> None:
        await self._world.log.publish(records, self.clock_ms)

    async def _publish_promised(self, records: Sequence[Record]) -> None:
        promised = self._world.store.promised

        def allowed(record: Record) -> None:
            demand(record in promised, Check.PUBLISH, f"published, never committed: {record}")

        await self._world.log.publish(records, self.clock_ms, allowed)

    # the group -------------------------------------------------------------------------------

    async def _group(self) -> None:
        while True:
            await until(lambda: self._invited is not None)
            self._joining = True
            if self._random.random() < 0.7:  # mostly what is in flight ends in time
                await until(lambda: not self._busy)
            assignment, self._invited = self._invited, None
            assert assignment is not None
            self.commit_sources()
            self.reward_stage.release(self.reward_stage.owned)
            self._next_source, self._next_resolved = {}, {}
            await pause()
            granted = await self.reward_stage.claim(assignment.resolved, assignment.generation)
            self._generation, self._next_resolved = assignment.generation, granted
            self._acked = {}  # of what may be another's by now
            committed = self._world.broker.committed
            self._next_source = {place: committed.get(place, 0) for place in assignment.sources}
            self._joining = self._invited is not None

    def commit_sources(self) -> None:
        """What is identified need not be fetched again."""
        self._world.broker.commit(self._acked, self._generation)
        self._acked = {}

    # stages ----------------------------------------------------------------------------------

    async def _identify(self) -> None:
        log = self._world.log.sources
        while True:
            await until(
                lambda: (
                    not self._joining
                    and any(at < len(log[place]) for place, at in self._next_source.items())
                )
            )
            generation, batches = self._generation, self._fetch_sources()
            self._busy += 1
            await self.identify_stage.handle(batches)
            self._busy -= 1
            if generation == self._generation:
                for batch in batches:
                    self._acked[batch.topic, batch.partition] = batch.last_offset + 1
            if self._random.random() < 0.5:
                await pause()
                self.commit_sources()

    async def _reward(self) -> None:
        log = self._world.log.resolved
        while True:
            await until(lambda: bool(self._queue) or self._may_fetch(log))
            self._fetch_resolved()
            if not self._queue:
                continue
            taken = self._random.randint(1, len(self._queue))
            batches, self._queue = self._queue[:taken], self._queue[taken:]
            self._busy += 1
            await self.reward_stage.handle(batches)
            self._busy -= 1

    async def _keep_house(self) -> None:
        while True:
            await until(lambda: self.beat and not self._joining)
            self.beat = False
            await self.reward_stage.check()
            await self.reward_stage.trim()
            await self.ticker.tick()

    def _may_fetch(self, log: list[list[LoggedRecord]]) -> bool:
        waiting = any(at < len(log[p]) for p, at in self._next_resolved.items())
        return waiting and not self._joining

    # fetching --------------------------------------------------------------------------------

    def _fetch_sources(self) -> list[Batch]:
        log = self._world.log.sources
        waiting = [place for place, at in self._next_source.items() if at < len(log[place])]
        batches = []
        for place in self._random.sample(waiting, self._random.randint(1, len(waiting))):
            records = self._cut(log[place], self._next_source[place])
            self._next_source[place] += len(records)
            batches.append(Batch(*place, records, self._generation))
        return batches

    def _fetch_resolved(self) -> None:
        log = self._world.log.resolved
        if self._joining:
            return
        for _ in range(self._random.randint(1, 3)):
            waiting = [p for p, at in self._next_resolved.items() if at < len(log[p])]
            if not waiting:
                return
            partition = self._random.choice(waiting)
            records = self._cut(log[partition], self._next_resolved[partition])
            self._next_resolved[partition] += len(records)
            self._queue.append(Batch(NAMES.resolved, partition, records, self._generation))

    def _cut(self, log: list[LoggedRecord], start: int) -> list[LoggedRecord]:
        size = min(self._world.plan.batch_records_max, len(log) - start)
        return log[start : start + self._random.randint(1, size)]
