# SPDX-License-Identifier: Apache-2.0
"""An engine in memory whose topics can be swept and compacted, as Kafka would compact them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stream.addressing.partitioning import partition_of
from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.lookup.reward_progress import RewardProgress
from stream.privacy.sweep import Deployment, Sweep, SweepResult
from stream.tables import Record
from stream.tables.memory import MemoryTables
from stream.worker.in_process import Headers, LocalEngine, LoggedRecord
from tests.support.erasing import spellings

RESOLVED = TopicNames().resolved


@dataclass(frozen=True)
class Kept:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_type: int = 1


class ErasableEngine(LocalEngine):
    """``LocalEngine`` which keeps all it publishes by topic and partition, with unique keys."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.topics: dict[tuple[str, int], list[Kept]] = defaultdict(list)
        self.published = 0
        self.on_publish: Callable[[], None] = lambda: None
        super().__init__(*args, **more)

    async def _append(self, records: Sequence[Record]) -> None:
        for record in records:
            self.published += 1
            if record.topic == RESOLVED:
                if record.key is None:
                    record = replace_key(record, self.published.to_bytes(8))
                await super()._append([record])
                continue
            partition = record.partition
            if partition is None:
                assert record.key is not None
                partition = partition_of(record.key, self.partitions)
            self.outputs[record.topic].append(record)
            log = self.topics[record.topic, partition]
            now = self.clock_ms
            offset = log[-1].offset + 1 if log else 0
            kept = Kept(
                record.topic, partition, offset, now, record.key, record.value, record.headers
            )
            log.append(kept)

    # as a TopicReader ------------------------------------------------------------------------

    async def ends_now(self, topic: str) -> dict[int, int]:
        assert topic == RESOLVED
        return {partition: len(log) for partition, log in enumerate(self.resolved)}

    async def batches(
        self,
        topic: str,
        partition: int,
        first: int | None = None,
        stop: int | None = None,
        on_read: Callable[[int], None] = lambda offsets: None,
    ) -> AsyncIterator[Sequence[Kept]]:
        found = [r for r in self.records(topic, partition) if stop is None or r.offset < stop]
        for start in range(0, len(found), 7):
            yield found[start : start + 7]

    async def read(
        self, topic: str, on_read: Callable[[int], None] = lambda offsets: None
    ) -> AsyncIterator[Kept]:
        for partition in range(self.partitions):
            for record in self.records(topic, partition):
                yield record

    def records(self, topic: str, partition: int) -> list[Kept]:
        """All there is, tombstones included."""
        if topic != RESOLVED:
            return list(self.topics[topic, partition])
        found = []
        for r in self.resolved[partition]:
            found.append(Kept(topic, partition, r.offset, r.timestamp, r.key, r.value, r.headers))
        return found

    # sweeping --------------------------------------------------------------------------------

    async def sweep(self, *, dry_run: bool = False) -> SweepResult:
        """Sweep; the workers go on while it waits for them."""
        on = Deployment(
            self.tables,
            self,
            TopicNames(),
            Pseudonyms(b"", self.partitions),
            self._directory,
            "urn:shadowpoints:local",
            None if dry_run else self._publish_for_sweep,
        )

        async def work(seconds: float) -> None:
            await self.settle_async()

        workers = RewardProgress(self.tables, self, RESOLVED, sleep=work)
        return await Sweep(on, workers=workers).run()

    async def _publish_for_sweep(self, records: Sequence[Record]) -> None:
        self.on_publish()
        await self._append(records)

    def compact(self) -> None:
        """Every record goes which has a later one with its key, and every tombstone.

        In the resolved log a place without record stays, so that offsets are places in a list.
        """
        for log in self.resolved:
            latest = {record.key: record.offset for record in log}
            for at, record in enumerate(log):
                if latest[record.key] != record.offset or record.value is None:
                    log[at] = LoggedRecord(at, record.timestamp, b"", None)
        for place, kept in self.topics.items():
            last = {record.key: record.offset for record in kept}
            self.topics[place] = [
                r for r in kept if last[r.key] == r.offset and r.value is not None
            ]

    def mentions(self, *ids: str) -> list[str]:
        """Where any of these stands in tables or topics: keys of entities, and topics."""
        marks = [spelling for id_ in ids for spelling in spellings(id_)]

        def named(texts: Iterable[bytes]) -> bool:
            return any(mark in text for text in texts for mark in marks)

        found = [key for key, value in self.entities().items() if named((key.encode(), value))]
        for topic in TopicNames().written:
            for partition in range(self.partitions):
                for r in self.records(topic, partition):
                    if named((r.key or b"", r.value or b"", *(v for _, v in r.headers))):
                        found.append(f"{topic}-{partition}@{r.offset}")
        return found

    def lose_tables(self) -> None:
        """Start again with empty tables: all of the resolved log is applied once more."""
        self.restart(MemoryTables(self.partitions))


def replace_key(record: Record, key: bytes) -> Record:
    return Record(record.topic, key, record.value, record.headers, record.partition)
