# SPDX-License-Identifier: Apache-2.0
"""Find the offset at which each partition resumes: after the last record whose effect is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition
from faust.types import TP

from stream.kafka.record_marks import RecordMark
from stream.process.worker_metrics import Metrics
from stream.worker.reward import LogMismatch, RewardStage

_log = logging.getLogger(__name__)


class Log(Protocol):
    """The part of :class:`stream.kafka.fetching.LogFetcher` that is used here."""

    async def starts(self, tps: Sequence[Any]) -> Mapping[Any, int]: ...
    async def ends(self, tps: Sequence[Any]) -> Mapping[Any, int]: ...
    async def mark_at(self, tp: Any, offset: int) -> RecordMark | None: ...
    def mark(self, tp: Any) -> RecordMark | None: ...
    def log(self, topic: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a partition was read: the next offset, and the mark of the record before it."""

    next: int | None = None  # None: nothing was read
    mark: RecordMark | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What the broker has of a partition now."""

    start: int
    end: int
    differs: bool  # the last record read is another one now, or the topic is another


class Positions:
    """Claims partitions on assignment and finds the offset from which each resumes."""

    def __init__(self, reward_stage: RewardStage, resolved: str, metrics: Metrics) -> None:
        self._reward_stage = reward_stage
        self._resolved = resolved
        self._metrics = metrics

    async def claim(self, assigned: Iterable[TP], generation: int) -> None:
        """Become the owner of the assigned partitions of the resolved log."""
        mine = self._of_resolved(assigned)
        if not mine:
            return
        granted = await self._reward_stage.claim(mine, generation)
        if refused := sorted(set(mine) - set(granted)):
            _log.warning("A newer generation of the group owns the partitions %s", refused)

    def release(self, revoked: Iterable[TP]) -> None:
        """Stop owning them."""
        self._reward_stage.release(self._of_resolved(revoked))

    def reached(self, committed: Mapping[TP, Reached]) -> dict[TP, Reached]:
        """How far each partition was read; of the resolved log the tables know it, not Kafka."""
        found = dict(committed)
        for tp in committed:
            offset = self._reward_stage.next_offset(tp.partition)
            if tp.topic == self._resolved and offset is not None:
                found[tp] = Reached(offset, self._reward_stage.mark(tp.partition))
        return found

    async def find(self, log: Log, reached: Mapping[TP, Reached]) -> dict[TP, int]:
        """The next offset of each partition.

        A partition that starts later has lost records: reading goes on at its start. A source
        whose log went back is read again from its start; nothing counts twice. Raises
        :class:`LogMismatch` if the resolved log went back: the tables have applied another one.
        """
        if not reached:
            return {}
        starts, ends = await asyncio.gather(log.starts(list(reached)), log.ends(list(reached)))
        differing = await asyncio.gather(
            *(self._differs(log, tp, at.mark, starts[tp], ends[tp]) for tp, at in reached.items())
        )
        return {
            tp: self._next(tp, at.next, _Found(starts[tp], ends[tp], differs))
            for (tp, at), differs in zip(reached.items(), differing, strict=True)
        }

    async def checked_offset(self, log: Log, tp: TopicPartition, offset: int) -> int | None:
        """Where to go on in a log that may have changed since it was read up to ``offset``."""
        at = TP(*tp)
        return (await self.find(log, {at: Reached(offset, log.mark(tp))}))[at]

    async def _differs(
        self, log: Log, tp: TP, mark: RecordMark | None, start: int, end: int
    ) -> bool:
        """Whether the log is another one; a removed record proves nothing."""
        if mark is None:
            return False
        if not mark.is_of(log.log(tp.topic)):
            return True
        found = await log.mark_at(tp, mark.offset) if start <= mark.offset < end else None
        return found is not None and not mark.agrees(found)

    def _next(self, tp: TP, offset: int | None, found: _Found) -> int:
        if offset is None:
            return found.start
        if tp.topic == self._resolved and self._reward_stage.next_offset(tp.partition) is None:
            return min(max(offset, found.start), found.end)  # another worker applies it
        if offset > found.end or found.differs:
            return self._went_back(tp, offset, found)
        if offset < found.start:
            return self._gap(tp, offset, found.start)
        return offset

    def _went_back(self, tp: TP, offset: int, found: _Found) -> int:
        self._metrics.logs_went_back.labels(tp.topic).inc()
        how = f"ends at offset {found.end}"
        if found.differs:
            how = f"holds other records than were read, and ends at offset {found.end}"
        if tp.topic == self._resolved:
            raise LogMismatch(
                f"{tp.topic}-{tp.partition} {how}, but the tables have applied it up to "
                f"{offset - 1}: use the Redis that belongs to this Kafka, or an empty one"
            )
        _log.error(
            "%s-%d went back: it was read up to offset %d and now %s. It is read again from offset "
            "%d; what counted does not count twice. Records which the broker has lost are lost: "
            "publish them again",
            tp.topic,
            tp.partition,
            offset - 1,
            how,
            found.start,
        )
        return found.start

    def _gap(self, tp: TP, offset: int, start: int) -> int:
        lost = start - offset
        if tp.topic == self._resolved:
            self._metrics.log_gaps.inc()
            advice = "restore the topic, and keep its cleanup.policy at compact"
            done = "the tables have applied it"
        else:
            self._metrics.source_gaps.labels(tp.topic).inc(lost)
            advice = "publish them again, and keep retention longer than workers may be down"
            done = "it was read"
        _log.error(
            "%s-%d starts at offset %d, but %s up to %d only: up to %d records are lost; %s",
            tp.topic,
            tp.partition,
            start,
            done,
            offset - 1,
            lost,
            advice,
        )
        return start

    def _of_resolved(self, tps: Iterable[TP]) -> list[int]:
        return sorted(tp.partition for tp in tps if tp.topic == self._resolved)
