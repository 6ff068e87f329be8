# SPDX-License-Identifier: Apache-2.0
"""Read topics from beginning to end, without a consumer group and without committing offsets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, Protocol, Self, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, explained, opening
from stream.kafka.fetching import COMMITTED_ONLY, LogFetcher
from stream.kafka.record_batches import InputRecord
from stream.kafka.topic_partitions import partitions_of
from stream.kafka.unreadable_records import is_record

_BATCH_RECORDS_MAX: Final = 500
_SILENCE_S: Final = 30.0  # without an answer; then the reader gives up

#: Gets the number of offsets passed since the last call.
OnRead = Callable[[int], None]


class TopicRecord(InputRecord, Protocol):
    """A record with topic and partition; aiokafka's ``ConsumerRecord`` fits."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


def ignore_progress(offsets: int) -> None:
    """A progress callback that does nothing."""


class TopicReader:
    """Reads up to the ends that the topics had when it was opened; holds one fetch at a time.

    Unreadable records are left out and logged. Every method may raise :class:`TopicsUnfit`.
    """

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._settings, self._topics = settings, list(topics)
        self._places: list[TopicPartition] = []
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,  # the next partition's fetch waits for the last one's
            **COMMITTED_ONLY,
            **kafka_options(settings),
        )
        self._fetcher = LogFetcher(self._consumer)
        self._begins: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
            known = await partitions_of(self._consumer, self._topics)
            if missing := [topic for topic, places in known.items() if not places]:
                raise TopicsUnfit(
                    [f"Topic {t} does not exist; run: shadowpoints topics create" for t in missing]
                )
            self._places = [place for places in known.values() for place in places]
            # Assigned only once: aiokafka's stop() may hang while it takes in another
            # assignment. Paused before anything is fetched.
            self._consumer.assign(self._places)
            self._consumer.pause(*self._places)
            self._begins = await self._consumer.beginning_offsets(self._places)
            self._ends = await self._consumer.end_offsets(self._places)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    @property
    def total(self) -> int:
        """Offsets from all beginnings to all ends; a compacted topic has fewer records."""
        return sum(self._ends[at] - self._begins[at] for at in self._places)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset, and the one after the last."""
        place = TopicPartition(topic, partition)
        return self._begins[place], self._ends[place]

    async def ends_now(self, topic: str) -> dict[int, int]:
        """Where each partition ends now."""
        places = self._of(topic)
        async with explained(self._settings, OSError):
            ends = await self._consumer.end_offsets(places)
        return {place.partition: ends[place] for place in places}

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int | None:
        """The first offset not before a time; ``None`` if all are earlier."""
        place = TopicPartition(topic, partition)
        async with explained(self._settings, OSError):
            found = (await self._consumer.offsets_for_times({place: time_ms}))[place]
        return None if found is None else int(found.offset)

    async def read(
        self, topic: str, on_read: OnRead = ignore_progress
    ) -> AsyncIterator[TopicRecord]:
        """All records of a topic, by partition and offset."""
        for place in self._of(topic):
            async for batch in self.batches(topic, place.partition, on_read=on_read):
                for record in batch:
                    yield record

    async def batches(
        self,
        topic: str,
        partition: int,
        first: int | None = None,
        stop: int | None = None,
        on_read: OnRead = ignore_progress,
    ) -> AsyncIterator[Sequence[TopicRecord]]:
        """The records from ``first`` to before ``stop``, some hundreds at a time."""
        begin, end = self.bounds(topic, partition)
        at, stop = begin if first is None else first, end if stop is None else stop
        if at >= stop:
            return
        place = TopicPartition(topic, partition)
        self._consumer.pause(*self._places)
        self._consumer.seek(place, at)
        self._consumer.resume(place)
        while at < stop:
            records = await self._some(place)
            yield [record for record in records if record.offset < stop]
            position = min(await self._consumer.position(place), stop)
            on_read(position - at)
            at = position

    def _of(self, topic: str) -> list[TopicPartition]:
        return [place for place in self._places if place.topic == topic]

    async def partitions_now(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions topics have now; 0 for one that does not exist."""
        async with explained(self._settings, OSError):
            known = await partitions_of(self._consumer, topics)
        return {topic: len(places) for topic, places in known.items()}

    async def _some(self, place: TopicPartition) -> Sequence[TopicRecord]:
        """At least one record, unless the position moved on over a gap."""
        before = await self._consumer.position(place)
        async with explained(self._settings, TimeoutError), asyncio.timeout(_SILENCE_S):
            while True:
                found = await self._fetcher.records([place], 1.0, _BATCH_RECORDS_MAX)
                if records := [r for r in found.get(place, ()) if is_record(r)]:
                    return cast(Sequence[TopicRecord], records)
                if await self._consumer.position(place) > before:
                    return []


async def require_topics(settings: Settings, topics: Iterable[str]) -> None:
    """Raises `TopicsUnfit` if a topic does not exist or this user may not read it."""
    async with TopicReader(settings, topics):
        pass
