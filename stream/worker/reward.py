# SPDX-License-Identifier: Apache-2.0
"""Stage 2, reward: load, decide, commit and publish, for all waiting batches together.

Each partition's step is one atomic commit under the epoch of its owner: state, duplicate markers,
applied offset and output are stored together (promises P6 to P8).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from schemas import Reason
from stream.addressing.pseudonyms import Pseudonyms, may_be_erased
from stream.addressing.topics import TopicNames
from stream.engine.model.messages import Erase, TransferOut
from stream.kafka.dead_letters import Stage
from stream.kafka.record_batches import Batch, InputRecord, Publish
from stream.kafka.record_marks import RecordMark, text_of
from stream.kafka.unreadable_records import is_record
from stream.process.worker_metrics import Metrics
from stream.tables.base import DROPPED, Commit, Fenced, Record, Tables
from stream.worker.commit_units import CommitUnit, cut
from stream.worker.partition_step import (
    STEP_WAKES_MAX,
    EngineFailed,
    PartitionLease,
    PartitionStep,
    StepContext,
    reason_of,
)

_log = logging.getLogger(__name__)


class OwnershipLost(Exception):
    """Another worker has claimed a partition of this worker, which must stop."""


class LogMismatch(Exception):
    """The resolved log is not the one that the tables have applied."""


class RewardStage:
    """The one writer of the entities in the partitions it owns."""

    def __init__(
        self,
        tables: Tables,
        publish: Publish,
        *,
        partitions: int,
        namespace: str,
        owner: str,
        secret: bytes = b"",
        names: TopicNames | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._tables = tables
        self._publish = publish
        self._owner = owner
        self._context = StepContext(
            names or TopicNames(),
            Pseudonyms(secret, partitions),
            f"urn:shadowpoints:{namespace}",
        )
        self._metrics = metrics or Metrics()
        self._leases: dict[int, PartitionLease] = {}
        self._busy = asyncio.Lock()  # a trim between load and commit would look like a rival

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions that this worker owns."""
        return tuple(self._leases)

    @property
    def waking(self) -> tuple[int, ...]:
        """The partitions where some entities are not yet due at the next version of the rules."""
        return tuple(p for p, lease in self._leases.items() if lease.waking_ms is not None)

    def next_offset(self, partition: int) -> int | None:
        """The next offset to consume; ``None`` for a partition that this worker does not own."""
        lease = self._leases.get(partition)
        return None if lease is None else lease.applied_offset + 1

    def mark(self, partition: int) -> RecordMark | None:
        """The mark of the last applied record, if there is one."""
        lease = self._leases.get(partition)
        return None if lease is None else lease.mark

    async def claim(self, partitions: Sequence[int], generation: int) -> dict[int, int]:
        """Become the owner; returns the next offset of each partition that was granted.

        First it publishes what a predecessor committed and may not have published.
        """
        async with self._busy:
            claims = await self._tables.claim(partitions, generation, self._owner)
            pending = (record for claim in claims.values() for record in claim.pending)
            await self._publish([record for record in pending if record != DROPPED])
            self.release(partitions)
            for partition, claim in claims.items():
                self._leases[partition] = PartitionLease.of(partition, generation, claim)
            self._metrics.owned_partitions.set(len(self._leases))
        return {partition: claim.applied_offset + 1 for partition, claim in claims.items()}

    def release(self, partitions: Sequence[int]) -> None:
        """Stop owning partitions; from then on their batches are dropped."""
        for partition in partitions:
            lease = self._leases.pop(partition, None)
            for unit in lease.queue if lease is not None else ():
                unit.done = True
        self._metrics.owned_partitions.set(len(self._leases))

    async def handle(self, batches: Sequence[Batch]) -> None:
        """Apply batches, of any partitions, in order per partition; afterwards acknowledge them.

        May be called again before it is done: partitions take turns, so that a busy one delays
        no other. Raises :class:`LogMismatch`, :class:`OwnershipLost` or
        :class:`EngineFailed`, after which the worker must end.
        """
        mine = self._queue(batches)
        while not all(unit.done for unit in mine):
            async with self._busy:
                await self._turn()

    async def trim(self) -> None:
        """Drop published output from the tables where no later commit has done it."""
        async with self._busy:
            behind = [o for o in self._leases.values() if o.trimmed_before < o.published_before]
            await self._commit(behind, [_trimming(lease) for lease in behind])

    async def check(self) -> None:
        """Check that the tables still hold what was committed, in idle partitions as well.

        A restored or emptied Redis, or another owner, would else go unnoticed in a partition
        without traffic. Raises :class:`OwnershipLost`; the next start replays the log.
        """
        async with self._busy:
            stored = await self._tables.positions(self.owned)
            lost = [
                partition
                for partition, lease in self._leases.items()
                if stored.get(partition) != (lease.epoch, lease.applied_offset)
            ]
            if lost:
                self.release(lost)
                raise OwnershipLost(f"The tables hold another state of the partitions {lost}")

    def _queue(self, batches: Sequence[Batch]) -> list[CommitUnit]:
        """Queue the records still to apply of each owned partition, split into units."""
        records: dict[int, list[Batch]] = {}
        for batch in batches:
            lease = self._leases.get(batch.partition)
            if lease is None or lease.generation != batch.generation:
                self._metrics.dropped.inc(len(batch.records))
            else:
                records.setdefault(batch.partition, []).append(batch)
        queued: list[CommitUnit] = []
        for partition, mine in records.items():
            lease = self._leases[partition]
            lease.log = mine[-1].log
            fresh = _fresh(mine, lease)
            units = list(cut(fresh, partition, self._context.pseudonyms.partitions))
            if units:
                lease.queued_offset = units[-1].last_offset
                lease.queue.extend(units)
                queued += units
        return queued

    async def _turn(self) -> None:
        """Apply the first waiting unit of each partition, or a part of it."""
        work = [(lease, lease.queue[0]) for lease in self._leases.values() if lease.queue]
        if not work:
            return
        for step in await self._apply(work):
            if step.rest:
                step.unit.envelopes = step.rest
            else:
                step.unit.done = True
                step.lease.queue.popleft()

    async def _apply(
        self, work: Sequence[tuple[PartitionLease, CommitUnit]]
    ) -> list[PartitionStep]:
        due, later = await self._due(work), await self._later(work)
        wanted = {
            lease.partition: due.get(lease.partition) or unit.keys()
            for lease, unit in work
            if unit.tick is None or due[lease.partition]
        }
        stored = await self._tables.load(wanted)
        if marks := self._marks(work, wanted, stored):
            stored |= await self._tables.load(marks)
        steps = [PartitionStep(self._context, lease, unit, stored) for lease, unit in work]
        try:
            commits = [
                step.decide(due.get(step.lease.partition, []), later.get(step.lease.partition, []))
                for step in steps
            ]
        except EngineFailed as failure:
            _log.critical("%s; the worker ends, nothing of it was stored", failure)
            raise
        await self._commit([lease for lease, _ in work], commits)
        if oversized := sum(step.oversized for step in steps):
            self._metrics.dead_letters.labels(Reason.OUTPUT_TOO_LARGE).inc(oversized)
            _log.error("%d outputs are larger than their topics take: now dead letters", oversized)
        for step in steps:
            applied = step.unit.envelopes[: len(step.unit.envelopes) - len(step.rest)]
            self._metrics.records.labels(Stage.REWARD).inc(len(applied))
            for envelope in applied:
                if envelope.message is None:
                    self._metrics.dead_letters.labels(reason_of(envelope.record)).inc()
        return steps

    def _marks(
        self,
        work: Sequence[tuple[PartitionLease, CommitUnit]],
        wanted: Mapping[int, Sequence[str]],
        stored: Mapping[str, bytes],
    ) -> dict[int, list[str]]:
        """The keys of the erasure marks of people without state, now or after this unit."""
        gone = {
            envelope.key
            for _, unit in work
            for envelope in unit.envelopes
            if isinstance(envelope.message, Erase | TransferOut)
        }
        found = {
            partition: [
                self._context.pseudonyms.of(key)
                for key in keys
                if (key not in stored or key in gone) and may_be_erased(key)
            ]
            for partition, keys in wanted.items()
        }
        return {partition: keys for partition, keys in found.items() if keys}

    async def _due(self, work: Sequence[tuple[PartitionLease, CommitUnit]]) -> dict[int, list[str]]:
        """The entities to tick: fewer than are woken, or settled ones would be woken for ever."""
        found = {}
        for lease, unit in work:
            if unit.tick is not None:
                as_of = max(lease.clock_ms, unit.last_timestamp_ms)
                limit = unit.tick.limit
                if lease.waking_ms is not None:
                    limit = min(limit, STEP_WAKES_MAX // 2)
                found[lease.partition] = await self._tables.due(lease.partition, as_of, limit)
        return found

    async def _later(
        self, work: Sequence[tuple[PartitionLease, CommitUnit]]
    ) -> dict[int, list[str]]:
        """The entities that are due only after the next version of the rules starts."""
        return {
            lease.partition: await self._tables.due_after(
                lease.partition, lease.waking_ms, STEP_WAKES_MAX
            )
            for lease, unit in work
            if unit.tick is not None and lease.waking_ms is not None
        }

    async def _commit(self, owners: Sequence[PartitionLease], commits: Sequence[Commit]) -> None:
        """Commit, publish the outputs, and remember how far; raises ``OwnershipLost``."""
        if not commits:
            return
        answers = await self._tables.commit(commits)
        outputs: list[Record] = []
        published_before: dict[int, int] = {}
        lost: list[int] = []
        for lease, commit, answer in zip(owners, commits, answers, strict=True):
            if isinstance(answer, Fenced):
                lost.append(lease.partition)
                _log.error("A commit was refused: %s", answer.reason)
                continue
            lease.applied_offset, lease.clock_ms = commit.applied_offset, commit.clock_ms
            lease.mark = RecordMark.parse(commit.mark)
            lease.trimmed_before = commit.published_before
            lease.learn(commit.notes)
            published_before[lease.partition] = answer.pending_from + len(commit.outputs)
            outputs += commit.outputs
            self._metrics.count(commit.counts)
        await self._publish(outputs)
        for lease in owners:
            if lease.partition in published_before:
                lease.published_before = published_before[lease.partition]
        if lost:
            self._metrics.fenced.inc(len(lost))
            self.release(lost)
            raise OwnershipLost(f"Another worker now owns the partitions {sorted(lost)}")


def _fresh(batches: Sequence[Batch], lease: PartitionLease) -> Iterator[InputRecord]:
    """The records still to apply, each once even if fetched twice."""
    queued_offset, mark = lease.queued_offset, lease.mark
    for batch in batches:
        for record in batch.records:
            if record.offset > queued_offset:
                queued_offset = record.offset
                yield record
            elif _is_other(record, mark):
                raise LogMismatch(
                    f"{batch.topic}-{batch.partition} holds another at offset {record.offset} "
                    "than the tables have applied: use the Redis that belongs to this Kafka, or "
                    "an empty one"
                )


def _is_other(record: InputRecord, mark: RecordMark | None) -> bool:
    """Whether it has the offset of the last applied record, and is another record."""
    if mark is None or mark.offset != record.offset or not is_record(record):
        return False
    return not mark.agrees(RecordMark.of(record))


def _trimming(lease: PartitionLease) -> Commit:
    """A commit that only drops published output."""
    offset = lease.applied_offset
    return Commit(
        partition=lease.partition,
        epoch=lease.epoch,
        expected_offset=offset,
        applied_offset=offset,
        clock_ms=lease.clock_ms,
        published_before=lease.published_before,
        mark=text_of(lease.mark),
    )
