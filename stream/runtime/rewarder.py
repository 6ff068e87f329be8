"""Stage 2, reward: load, decide, commit, publish, for all runs which wait, together.

Each partition's step is one atomic commit under the epoch of its owner; state, duplicate markers,
applied offset and output become true together (promises P6 to P8).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from schemas import Reason
from stream.engine.messages import Detach, Erase
from stream.engine.ruleset import RuleBook
from stream.runtime.dead_letters import Stage
from stream.runtime.metrics import Metrics
from stream.runtime.pseudonyms import Pseudonyms, may_be_erased
from stream.runtime.runs import InputRecord, Publish, Run
from stream.runtime.segments import Segment, cut
from stream.runtime.step import EngineFailed, Frame, Owned, Step
from stream.runtime.topics import TopicNames
from stream.tables.base import Commit, Fenced, Record, Tables

_log = logging.getLogger(__name__)


class OwnershipLost(Exception):
    """Another worker has claimed a partition which this one thought its own: a zombie stops."""


class Rewarder:
    """The one writer of the entities in the partitions it owns."""

    def __init__(
        self,
        tables: Tables,
        book: RuleBook,
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
        self._frame = Frame(
            book,
            names or TopicNames(),
            Pseudonyms(secret, partitions),
            f"urn:shadowpoints:{namespace}",
        )
        self._metrics = metrics or Metrics()
        self._owned: dict[int, Owned] = {}
        self._busy = asyncio.Lock()  # a trim between load and commit would look like a rival

    @property
    def owned(self) -> tuple[int, ...]:
        """The partitions in this worker's hands."""
        return tuple(self._owned)

    def next_offset(self, partition: int) -> int | None:
        """Where to go on consuming; ``None`` for a partition which is not owned."""
        owned = self._owned.get(partition)
        return None if owned is None else owned.applied_offset + 1

    async def claim(self, partitions: Sequence[int], generation: int) -> dict[int, int]:
        """Become the owner; answers the next offset of each partition that was granted.

        What a predecessor committed and may not have published is published first.
        """
        async with self._busy:
            claims = await self._tables.claim(partitions, generation, self._owner)
            await self._publish([record for claim in claims.values() for record in claim.pending])
            self.release(partitions)
            for partition, claim in claims.items():
                self._owned[partition] = Owned.of(partition, generation, claim)
            self._metrics.owned_partitions.set(len(self._owned))
        return {partition: claim.applied_offset + 1 for partition, claim in claims.items()}

    def release(self, partitions: Sequence[int]) -> None:
        """Stop owning partitions; their runs are dropped from now on."""
        for partition in partitions:
            self._owned.pop(partition, None)
        self._metrics.owned_partitions.set(len(self._owned))

    async def handle(self, runs: Sequence[Run]) -> None:
        """Apply runs, of any partitions, in order per partition; afterwards acknowledge them.

        Raises :class:`OwnershipLost` or :class:`EngineFailed`, after which the worker must end.
        """
        async with self._busy:
            waiting = self._waiting(runs)
            while waiting:
                await self._apply([(owned, queue.popleft()) for owned, queue in waiting])
                waiting = [(o, q) for o, q in waiting if q and self._owned.get(o.partition) is o]

    async def trim(self) -> None:
        """Drop published output from the tables where no commit has done it on the way."""
        async with self._busy:
            behind = [o for o in self._owned.values() if o.trimmed_before < o.published_before]
            await self._commit(behind, [_trimming(owned) for owned in behind])

    async def check(self) -> None:
        """See whether the tables still hold what was committed, also where nothing happens.

        A Redis which was restored or emptied, or another owner, would else go unnoticed in a
        partition without traffic. Raises :class:`OwnershipLost`; the next start replays the log.
        """
        async with self._busy:
            stored = await self._tables.positions(self.owned)
            lost = [
                partition
                for partition, owned in self._owned.items()
                if stored.get(partition) != (owned.epoch, owned.applied_offset)
            ]
            if lost:
                self.release(lost)
                raise OwnershipLost(f"The tables hold another state of the partitions {lost}")

    def _waiting(self, runs: Sequence[Run]) -> list[tuple[Owned, deque[Segment]]]:
        """The records still to apply of each owned partition, cut into segments."""
        records: dict[int, list[Run]] = {}
        for run in runs:
            owned = self._owned.get(run.partition)
            if owned is None or owned.generation != run.generation:
                self._metrics.dropped.inc(len(run.records))
            else:
                records.setdefault(run.partition, []).append(run)
        waiting = []
        for partition, mine in records.items():
            owned = self._owned[partition]
            fresh = _fresh(mine, owned.applied_offset)
            if segments := deque(cut(fresh, partition, self._frame.pseudonyms.partitions)):
                waiting.append((owned, segments))
        return waiting

    async def _apply(self, work: Sequence[tuple[Owned, Segment]]) -> None:
        due = await self._due(work)
        wanted = {
            owned.partition: due.get(owned.partition)
            or list(dict.fromkeys(letter.key for letter in segment.letters if letter.message))
            for owned, segment in work
            if segment.tick is None or due[owned.partition]
        }
        stored = await self._tables.load(wanted)
        if marks := self._marks(work, wanted, stored):
            stored |= await self._tables.load(marks)
        steps = [Step(self._frame, owned, segment, stored) for owned, segment in work]
        try:
            commits = [step.decide(due.get(step.owned.partition, [])) for step in steps]
        except EngineFailed as failure:
            _log.critical("%s; the worker ends, nothing of it was stored", failure)
            raise
        await self._commit([owned for owned, _ in work], commits)
        self._metrics.records.labels(Stage.REWARD).inc(sum(len(s.letters) for _, s in work))
        for segment in (s for _, s in work):
            foreign = sum(letter.message is None for letter in segment.letters)
            self._metrics.dead_letters.labels(Reason.INTERNAL).inc(foreign)

    def _marks(
        self,
        work: Sequence[tuple[Owned, Segment]],
        wanted: Mapping[int, Sequence[str]],
        stored: Mapping[str, bytes],
    ) -> dict[int, list[str]]:
        """Of whom nothing is stored, or will be: where it would be said that they are erased."""
        gone = {
            letter.key
            for _, segment in work
            for letter in segment.letters
            if isinstance(letter.message, Erase | Detach)
        }
        found = {
            partition: [
                self._frame.pseudonyms.of(key)
                for key in keys
                if (key not in stored or key in gone) and may_be_erased(key)
            ]
            for partition, keys in wanted.items()
        }
        return {partition: keys for partition, keys in found.items() if keys}

    async def _due(self, work: Sequence[tuple[Owned, Segment]]) -> dict[int, list[str]]:
        found = {}
        for owned, segment in work:
            if segment.tick is not None:
                as_of = max(owned.clock_ms, segment.last_timestamp_ms)
                limit = segment.tick.limit
                found[owned.partition] = await self._tables.due(owned.partition, as_of, limit)
        return found

    async def _commit(self, owners: Sequence[Owned], commits: Sequence[Commit]) -> None:
        """Commit, publish what is now true, remember how far; raises ``OwnershipLost``."""
        if not commits:
            return
        answers = await self._tables.commit(commits)
        outputs: list[Record] = []
        published_before: dict[int, int] = {}
        lost: list[int] = []
        for owned, commit, answer in zip(owners, commits, answers, strict=True):
            if isinstance(answer, Fenced):
                lost.append(owned.partition)
                _log.error("A commit was refused: %s", answer.reason)
                continue
            owned.applied_offset, owned.clock_ms = commit.applied_offset, commit.clock_ms
            owned.trimmed_before = commit.published_before
            published_before[owned.partition] = answer.pending_from + len(commit.outputs)
            outputs += commit.outputs
            self._metrics.count(commit.counts)
        await self._publish(outputs)
        for owned in owners:
            if owned.partition in published_before:
                owned.published_before = published_before[owned.partition]
        if lost:
            self._metrics.fenced.inc(len(lost))
            self.release(lost)
            raise OwnershipLost(f"Another worker owns the partitions {sorted(lost)} by now")


def _fresh(runs: Sequence[Run], applied_offset: int) -> Iterator[InputRecord]:
    """The records which are still to apply, each once even if fetched twice."""
    for run in runs:
        for record in run.records:
            if record.offset > applied_offset:
                applied_offset = record.offset
                yield record


def _trimming(owned: Owned) -> Commit:
    """A commit which changes nothing but drops published output."""
    offset = owned.applied_offset
    return Commit(
        partition=owned.partition,
        epoch=owned.epoch,
        expected_offset=offset,
        applied_offset=offset,
        clock_ms=owned.clock_ms,
        published_before=owned.published_before,
    )
