"""Where to go on consuming the resolved log: after the last record whose effect is stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from faust.types import TP

from stream.runtime.metrics import Metrics
from stream.runtime.rewarder import Rewarder

_log = logging.getLogger(__name__)


class LogMismatch(Exception):
    """The tables are ahead of the resolved log: they belong to another log."""


class LogBounds(Protocol):
    """What is asked of a consumer."""

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]: ...
    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]: ...


class Positions:
    """Claims partitions on assignment and finds the offset from which each goes on."""

    def __init__(self, rewarder: Rewarder, resolved: str, metrics: Metrics) -> None:
        self._rewarder = rewarder
        self._resolved = resolved
        self._metrics = metrics

    async def claim(self, assigned: Iterable[TP], generation: int) -> None:
        """Become the owner of the assigned partitions of the resolved log."""
        mine = self._of_resolved(assigned)
        if not mine:
            return
        granted = await self._rewarder.claim(mine, generation)
        if refused := sorted(set(mine) - set(granted)):
            _log.warning("A newer generation of the group owns the partitions %s", refused)

    def release(self, revoked: Iterable[TP]) -> None:
        """Stop owning them."""
        self._rewarder.release(self._of_resolved(revoked))

    async def find(self, log: LogBounds, assigned: Iterable[TP]) -> dict[TP, int]:
        """The next offset of each owned partition of the resolved log.

        A log which starts later has lost records: they cannot be applied any more, and consuming
        goes on at its start. Raises :class:`LogMismatch` for one which ends earlier.
        """
        wanted = {
            tp: offset
            for tp in assigned
            if tp.topic == self._resolved
            and (offset := self._rewarder.next_offset(tp.partition)) is not None
        }
        if not wanted:
            return {}
        starts = await log.earliest_offsets(*wanted)
        ends = await log.highwaters(*wanted)
        return {tp: self._within(tp, offset, starts[tp], ends[tp]) for tp, offset in wanted.items()}

    def _within(self, tp: TP, offset: int, start: int, end: int) -> int:
        if offset > end:
            raise LogMismatch(
                f"{tp.topic}-{tp.partition} ends at offset {end}, but the tables have applied it "
                f"up to {offset - 1}: use the Redis which belongs to this Kafka, or an empty one"
            )
        if offset < start:
            self._metrics.log_gaps.inc()
            _log.error(
                "%s-%d starts at offset %d, but the tables have applied it up to %d only: %d "
                "records are lost; restore the topic, and keep its cleanup.policy at compact",
                tp.topic,
                tp.partition,
                start,
                offset - 1,
                start - offset,
            )
            return start
        return offset

    def _of_resolved(self, tps: Iterable[TP]) -> list[int]:
        return sorted(tp.partition for tp in tps if tp.topic == self._resolved)
