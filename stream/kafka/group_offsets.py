# SPDX-License-Identifier: Apache-2.0
"""Ask how far a consumer group has read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import opening


class GroupOffsets:
    """The offsets of the workers' group, which needs a right to describe it.

    Raises :class:`TopicsUnfit` when it is entered.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap_servers, **kafka_options(settings)
        )

    async def __aenter__(self) -> Self:
        async with opening(self._settings, self._admin.close):
            await self._admin.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._admin.close()

    async def next_in(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to be read in each place; of a place never read, at most 0.

        Raises ``KafkaError`` or ``OSError``.
        """
        found = await self._admin.list_consumer_group_offsets(
            self._settings.namespace, partitions=list(places)
        )
        return {place: offset.offset for place, offset in found.items()}
