"""The topic ``privacy.requests`` as one process reads it, which remembers how far it has come.

Its consumer group holds offsets only. Partitions are assigned by hand, so that work of hours on
one request is no reason for a rebalance. Two processes would do the same work twice, to the same
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.registry import TOPIC_PRIVACY
from stream.runtime.opening import opening
from stream.runtime.refusals import explained
from stream.runtime.security import kafka_options
from stream.settings import Settings

_RECORDS_MAX: Final = 500


class Inbox:
    """Records of ``privacy.requests`` from where the work was last done; a context manager.

    Raises ``TopicsUnfit``.
    """

    def __init__(self, settings: Settings) -> None:
        topic = settings.topics.prefix + TOPIC_PRIVACY
        self._settings = settings
        self._places = [TopicPartition(topic, p) for p in range(settings.partitions)]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=f"{settings.namespace}-privacy",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **kafka_options(settings),
        )

    async def __aenter__(self) -> Self:
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
            self._consumer.assign(self._places)
            for place in self._places:
                await self._consumer.position(place)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def read(self, wait_s: float) -> list[Any]:
        """What comes next, in order within a partition; nothing if nothing comes for a while."""
        async with explained(self._settings):
            found = await self._consumer.getmany(
                timeout_ms=int(wait_s * 1000), max_records=_RECORDS_MAX
            )
        return [record for records in found.values() for record in records]

    async def positions(self) -> dict[int, int]:
        """The offset of the next record to read, by partition."""
        return {p.partition: await self._consumer.position(p) for p in self._places}

    async def done(self, offsets: Mapping[int, int]) -> None:
        """Remember, by partition, the offset of the first record which is not done.

        Kafka forgets what nobody repeats for a week, so this is to be called now and then.
        """
        topic = self._places[0].topic
        wanted = {TopicPartition(topic, p): offset for p, offset in offsets.items()}
        async with explained(self._settings):
            await self._consumer.commit(wanted)
