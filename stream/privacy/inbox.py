# SPDX-License-Identifier: Apache-2.0
"""Read the topic ``privacy.requests`` in one process, and commit the offsets of finished requests.

Its consumer group only stores offsets. Partitions are assigned by hand, so that hours of work on
one request cause no rebalance. Two processes would only do the same work twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import TOPIC_PRIVACY
from stream.addressing.topics import METADATA_MAX_AGE_MS
from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import explained, opening
from stream.kafka.fetching import COMMITTED_ONLY, LogFetcher
from stream.kafka.topic_partitions import partitions_of
from stream.kafka.unreadable_records import is_record

_RECORDS_MAX: Final = 500


class Inbox:
    """Records of ``privacy.requests`` after those that are done; a context manager.

    New partitions are read within ``METADATA_MAX_AGE_MS``. Raises ``TopicsUnfit``.
    """

    def __init__(self, settings: Settings, clock_s: Callable[[], float] = monotonic) -> None:
        self._topic = settings.topics.prefix + TOPIC_PRIVACY
        self._settings, self._clock_s = settings, clock_s
        self._places: list[TopicPartition] = []
        self._looked_s = 0.0
        self._consumer = self._new_consumer()

    def _new_consumer(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            group_id=f"{self._settings.namespace}-privacy",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **COMMITTED_ONLY,
            **kafka_options(self._settings),
        )
        self._fetcher = LogFetcher(consumer)
        return consumer

    async def __aenter__(self) -> Self:
        await self._open({})
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def _open(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on at ``positions``; in other partitions at the committed offset."""
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
            self._places = (await partitions_of(self._consumer, [self._topic]))[self._topic]
            self._looked_s = self._clock_s()
            self._consumer.assign(self._places)
            for place in self._places:
                if place in positions:
                    self._consumer.seek(place, positions[place])
                await self._consumer.position(place)

    async def _look_for_partitions(self) -> None:
        """Open a new consumer if there are new partitions.

        Not by another assignment: aiokafka's ``stop`` may hang while it takes that in.
        """
        if self._clock_s() < self._looked_s + METADATA_MAX_AGE_MS / 1000:
            return
        self._looked_s = self._clock_s()
        found = (await partitions_of(self._consumer, [self._topic]))[self._topic]
        if found and found != self._places:
            positions = {place: await self._consumer.position(place) for place in self._places}
            await self._consumer.stop()
            self._consumer = self._new_consumer()
            await self._open(positions)

    async def read(self, wait_s: float) -> list[Any]:
        """The next records, in order within a partition; none if none arrive in time."""
        async with explained(self._settings):
            await self._look_for_partitions()
            found = await self._fetcher.records(self._places, wait_s, _RECORDS_MAX)
        return [record for records in found.values() for record in records if is_record(record)]

    async def positions(self) -> dict[int, int]:
        """The offset of the next record to read, by partition."""
        return {p.partition: await self._consumer.position(p) for p in self._places}

    async def done(self, offsets: Mapping[int, int]) -> None:
        """Commit, by partition, the offset of the first record that is not done.

        Kafka forgets a commit that is not repeated for a week, so call this now and then.
        """
        wanted = {TopicPartition(self._topic, p): offset for p, offset in offsets.items()}
        async with explained(self._settings):
            await self._consumer.commit(wanted)
