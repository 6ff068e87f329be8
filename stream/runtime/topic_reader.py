"""Topics read from their beginnings to their ends, without a consumer group and without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final, Protocol, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.runtime.opening import opening
from stream.runtime.refusals import TopicsUnfit, explained
from stream.runtime.runs import InputRecord
from stream.runtime.security import kafka_options
from stream.settings import Settings

_BATCH_RECORDS_MAX: Final = 500
_SILENCE_S: Final = 30.0  # a broker which sends nothing for so long will not

#: Hears how many offsets have been passed.
OnRead = Callable[[int], None]


class TopicRecord(InputRecord, Protocol):
    """A record with its place; aiokafka's ``ConsumerRecord`` fits."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


def unheard(offsets: int) -> None:
    """Nobody wants to know how far it is."""


class TopicReader:
    """Reads up to the ends there were when it was opened; holds one fetch at a time.

    Everything it does may raise :class:`TopicsUnfit`.
    """

    def __init__(self, settings: Settings, topics: Iterable[str]) -> None:
        self._settings, self._topics = settings, list(topics)
        self._places = [
            TopicPartition(topic, p) for topic in self._topics for p in range(settings.partitions)
        ]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,  # the next partition's fetch waits for the last one's
            **kafka_options(settings),
        )
        self._begins: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
            known = await self._consumer.topics()
            if missing := [topic for topic in self._topics if topic not in known]:
                raise TopicsUnfit(
                    [f"Topic {t} does not exist; run: shadowpoints topics create" for t in missing]
                )
            # Assigned once for all: aiokafka's stop() may hang while it takes in another
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
        """Where each partition ends by now."""
        places = [place for place in self._places if place.topic == topic]
        async with explained(self._settings, OSError):
            ends = await self._consumer.end_offsets(places)
        return {place.partition: ends[place] for place in places}

    async def offset_at(self, topic: str, partition: int, time_ms: int) -> int | None:
        """The first offset that is not earlier; ``None`` if all are."""
        place = TopicPartition(topic, partition)
        async with explained(self._settings, OSError):
            found = (await self._consumer.offsets_for_times({place: time_ms}))[place]
        return None if found is None else int(found.offset)

    async def read(self, topic: str, on_read: OnRead = unheard) -> AsyncIterator[TopicRecord]:
        """All records of a topic, by partition and offset."""
        for partition in range(self._settings.partitions):
            async for batch in self.batches(topic, partition, on_read=on_read):
                for record in batch:
                    yield record

    async def batches(
        self,
        topic: str,
        partition: int,
        first: int | None = None,
        stop: int | None = None,
        on_read: OnRead = unheard,
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

    async def _some(self, place: TopicPartition) -> Sequence[TopicRecord]:
        """At least one record, unless the position moved on over what is no record."""
        before = await self._consumer.position(place)
        async with explained(self._settings, TimeoutError), asyncio.timeout(_SILENCE_S):
            while True:
                found = await self._consumer.getmany(
                    place, timeout_ms=1000, max_records=_BATCH_RECORDS_MAX
                )
                if records := found.get(place):
                    return list(records)
                if await self._consumer.position(place) > before:
                    return []
