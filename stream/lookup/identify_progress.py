# SPDX-License-Identifier: Apache-2.0
"""Wait until the identify stage has committed past given source offsets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, why_unusable
from stream.kafka.group_offsets import GroupOffsets
from stream.lookup.reward_progress import WorkersBehind

_LOOK_EVERY_S: Final = 0.3


class IdentifyProgress:
    """Reads the group's offsets in a topic, which needs a right. Raises :class:`TopicsUnfit`."""

    def __init__(self, settings: Settings, topic: str, *, patience_s: float) -> None:
        self._settings, self._topic, self._patience_s = settings, topic, patience_s
        self._offsets = GroupOffsets(settings)

    async def __aenter__(self) -> Self:
        await self._offsets.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._offsets.__aexit__(*error)

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
            found = await self._offsets.next_in(places)
        except (KafkaError, OSError) as error:
            if getattr(error, "retriable", False):
                return False
            raise TopicsUnfit([await why_unusable(self._settings, error)]) from None
        return all(found.get(place, -1) >= ends[place.partition] for place in places)
