# SPDX-License-Identifier: Apache-2.0
"""Wait until the identify stage has committed past given source offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, opening, why_unusable
from stream.lookup.reward_progress import WorkersBehind

_LOOK_EVERY_S: Final = 0.3


class IdentifyProgress:
    """Reads the group's offsets in a topic, which needs a right. Raises :class:`TopicsUnfit`."""

    def __init__(self, settings: Settings, topic: str, *, patience_s: float) -> None:
        self._settings, self._topic, self._patience_s = settings, topic, patience_s
        self._admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap_servers, **kafka_options(settings)
        )

    async def __aenter__(self) -> Self:
        async with opening(self._settings, self._admin.close):
            await self._admin.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._admin.close()

    async def until(self, ends: Mapping[int, int]) -> None:
        """Wait until all records before these offsets, by partition, are on the resolved log.

        Raises ``WorkersBehind``.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                while not await self._is_past(ends):  # noqa: ASYNC110  another process works
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            raise WorkersBehind(
                f"The workers have not read {self._topic} up to its latest requests within "
                f"{self._patience_s:.0f} s: see that they run, then try again."
            ) from None

    async def _is_past(self, ends: Mapping[int, int]) -> bool:
        places = [TopicPartition(self._topic, partition) for partition in ends]
        try:
            found = await self._admin.list_consumer_group_offsets(
                self._settings.namespace, partitions=places
            )
        except (KafkaError, OSError) as error:
            if getattr(error, "retriable", False):
                return False
            raise TopicsUnfit([await why_unusable(self._settings, error)]) from None
        return all(
            place in found and found[place].offset >= ends[place.partition] for place in places
        )
