# SPDX-License-Identifier: Apache-2.0
"""Tables in memory, for tests, replays and the embedded demo; lost when the process ends."""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from stream.tables.base import (
    DROPPED,
    NOTHING_APPLIED,
    RESUME_KEPT_S,
    Claim,
    Commit,
    Committed,
    Fenced,
    Pending,
    Record,
    View,
)
from stream.tables.checks import check_commits, check_partition, other_offset, other_owner
from stream.tables.pieces import join, numbers_of

PAGE_ENTITIES = 200
#: How long a claim holds off older generations of the consumer group (see ``lua/claim.lua``).
CLAIM_FRESH_S = 60.0


@dataclass(slots=True)
class _Partition:
    epoch: int = 0
    generation: int = -1
    claimed_at_s: float = 0.0
    applied_offset: int = NOTHING_APPLIED
    applied_from: int = 0  # first sequence number of the commit which reached that offset
    clock_ms: int = 0
    mark: str = ""
    head: int = 0  # sequence number of the oldest pending output
    pending: list[Record] = field(default_factory=list)
    values: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, dict[int, bytes]] = field(default_factory=dict)
    forget_at_s: dict[str, float] = field(default_factory=dict)
    forget_order: list[tuple[float, str]] = field(default_factory=list)  # heap, may be outdated
    due_ms: dict[str, int] = field(default_factory=dict)
    due_order: list[tuple[int, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)


class MemoryTables:
    """The semantics of ``RedisTables`` on dicts.

    No method awaits anything, so each runs in one piece; several owners may share an instance.
    ``clock_s`` is the clock for ``Write.ttl_s``.
    """

    def __init__(self, partitions: int, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._partitions = [_Partition() for _ in range(partitions)]
        self._clock_s = clock_s
        self._resumed: dict[tuple[str, int], tuple[int, float]] = {}

    async def open(self) -> None:
        """Do nothing: there is no server."""

    async def close(self) -> None:
        """Do nothing: the tables stay readable."""

    async def ready(self) -> bool:
        return True

    async def trouble(self) -> str:
        return ""

    async def check(self) -> None:
        """Do nothing: memory stays fit."""

    async def resume(self, topic: str, partition: int, before: int) -> None:
        self._resumed[topic, partition] = before, self._clock_s() + RESUME_KEPT_S

    async def resumed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        now_s = self._clock_s()
        found = {place: self._resumed[place] for place in places if place in self._resumed}
        return {place: before for place, (before, until_s) in found.items() if now_s < until_s}

    async def claim(
        self, partitions: Sequence[int], generation: int, owner: str
    ) -> dict[int, Claim]:
        claims = {}
        for number in partitions:
            partition = self._partition(number)
            fresh = self._clock_s() - partition.claimed_at_s < CLAIM_FRESH_S
            if partition.generation > generation and fresh:
                continue
            partition.generation, partition.claimed_at_s = generation, self._clock_s()
            partition.epoch += 1
            claims[number] = Claim(
                epoch=partition.epoch,
                applied_offset=partition.applied_offset,
                clock_ms=partition.clock_ms,
                pending_from=partition.head,
                pending=tuple(partition.pending),
                mark=partition.mark,
                notes=dict(partition.notes),
            )
        return claims

    async def pending(self, partition: int) -> list[Pending]:
        mine = self._partition(partition)
        return [
            Pending(partition, mine.head + at, record, len(record.value or b""))
            for at, record in enumerate(mine.pending)
        ]

    async def drop_pending(self, partition: int, sequence: int) -> bool:
        mine = self._partition(partition)
        at = sequence - mine.head
        if not 0 <= at < len(mine.pending) or mine.pending[at] == DROPPED:
            return False
        mine.pending[at] = DROPPED
        return True

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        found = await self.heads(wanted)
        for number, keys in wanted.items():
            pages = self._partition(number).pages
            found.update({k: joined(found[k], pages[k]) for k in keys if k in pages})
        return found

    async def heads(self, wanted: Mapping[int, Sequence[str]]) -> dict[str, bytes]:
        found = {}
        for number, keys in wanted.items():
            partition = self._partition(number)
            self._forget(partition)
            values = partition.values
            found.update({key: values[key] for key in keys if key in values})
        return found

    async def due(self, partition: int, now_ms: int, limit: int) -> list[str]:
        order = self._partition(partition).due_order
        end = bisect_left(order, (now_ms + 1, ""))
        return [key for _, key in order[: min(end, max(limit, 0))]]

    async def due_after(self, partition: int, after_ms: int, limit: int) -> list[str]:
        order = self._partition(partition).due_order
        start = bisect_left(order, (after_ms + 1, ""))
        return [key for _, key in order[start : start + max(limit, 0)]]

    async def next_due(self, partitions: Sequence[int]) -> dict[int, int]:
        orders = {number: self._partition(number).due_order for number in partitions}
        return {number: order[0][0] for number, order in orders.items() if order}

    async def positions(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        found = {number: self._partition(number) for number in partitions}
        return {number: (p.epoch, p.applied_offset) for number, p in found.items() if p.epoch}

    async def notes(self, partitions: Sequence[int], name: str) -> dict[int, bytes]:
        found = {number: self._partition(number).notes for number in partitions}
        return {number: notes[name] for number, notes in found.items() if name in notes}

    async def commit(self, commits: Sequence[Commit]) -> list[Committed | Fenced]:
        check_commits(commits, len(self._partitions))
        return [self._commit(self._partitions[commit.partition], commit) for commit in commits]

    async def counts(self, partitions: Sequence[int]) -> dict[str, int]:
        totals: dict[str, int] = {}
        for number in partitions:
            for name, count in self._partition(number).counts.items():
                totals[name] = totals.get(name, 0) + count
        return totals

    async def entities(self, partition: int) -> dict[str, bytes]:
        return await self.load({partition: list(self._partition(partition).values)})

    async def scan_entities(self, partition: int) -> AsyncIterator[View]:
        keys = list(self._partition(partition).values)
        for at in range(0, len(keys), PAGE_ENTITIES):
            yield await self.view(partition, keys[at : at + PAGE_ENTITIES])

    async def view(self, partition: int, keys: Sequence[str]) -> View:
        values = await self.load({partition: keys})
        found = self._partition(partition)
        due_ms = {key: found.due_ms[key] for key in values if key in found.due_ms}
        return View(found.clock_ms, values, due_ms)

    def _partition(self, number: int) -> _Partition:
        check_partition(number, len(self._partitions))
        return self._partitions[number]

    def _commit(self, partition: _Partition, commit: Commit) -> Committed | Fenced:
        if not partition.epoch or partition.epoch != commit.epoch:  # 0: not claimed yet
            return Fenced(other_owner(commit.partition))
        if partition.applied_offset != commit.expected_offset:
            if partition.applied_offset == commit.applied_offset:
                return Committed(partition.applied_from)
            return Fenced(other_offset(commit, partition.applied_offset))
        first = partition.head + len(partition.pending)
        if commit.applied_offset != commit.expected_offset:
            partition.applied_offset = commit.applied_offset
            partition.applied_from = first
        partition.clock_ms, partition.mark = commit.clock_ms, commit.mark
        published = max(0, min(commit.published_before - partition.head, len(partition.pending)))
        del partition.pending[:published]
        partition.head += published
        partition.pending.extend(commit.outputs)
        for name, increment in commit.counts.items():
            partition.counts[name] = partition.counts.get(name, 0) + increment
        partition.notes.update(commit.notes)
        for key, due_ms in commit.wakes.items():
            _set_due(partition, key, due_ms)
        for key, write in commit.writes.items():
            self._write(partition, key, write.value, write.ttl_s)
            _write_pages(partition, key, write.pages)
            _set_due(partition, key, None if write.value is None else write.due_ms)
        return Committed(first)

    def _write(
        self, partition: _Partition, key: str, value: bytes | None, ttl_s: int | None
    ) -> None:
        partition.forget_at_s.pop(key, None)
        if value is None:
            partition.values.pop(key, None)
            return
        partition.values[key] = value
        if ttl_s is not None:
            at_s = self._clock_s() + ttl_s
            partition.forget_at_s[key] = at_s
            heappush(partition.forget_order, (at_s, key))

    def _forget(self, partition: _Partition) -> None:
        order = partition.forget_order
        while order and order[0][0] <= self._clock_s():
            at_s, key = heappop(order)
            if partition.forget_at_s.get(key) == at_s:
                del partition.forget_at_s[key], partition.values[key]


def _write_pages(partition: _Partition, key: str, pages: Mapping[int, bytes | None]) -> None:
    # Never changed in place: a copy of the tables may share them.
    kept = {**partition.pages.get(key, {}), **pages}
    kept_pages = {number: page for number, page in kept.items() if page is not None}
    if kept_pages:
        partition.pages[key] = kept_pages
    else:
        partition.pages.pop(key, None)


def joined(value: bytes, pages: Mapping[int, bytes]) -> bytes:
    """A value with its pages, if it has any."""
    return join(value, [pages[n] for n in numbers_of(value)]) if pages else value


def _set_due(partition: _Partition, key: str, due_ms: int | None) -> None:
    """Ties go by key: str compares by code point, which is the byte order Redis uses on UTF-8."""
    before = partition.due_ms.pop(key, None)
    if before is not None:
        del partition.due_order[bisect_left(partition.due_order, (before, key))]
    if due_ms is not None:
        partition.due_ms[key] = due_ms
        insort(partition.due_order, (due_ms, key))
