# SPDX-License-Identifier: Apache-2.0
"""Resume halted partitions of source topics when an operator says so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit
from stream.kafka.record_batches import Batch
from stream.kafka.topic_reader import TopicReader
from stream.tables import Tables
from stream.worker.dead_letter_breaker import Place
from stream.worker.identify import IdentifyStage

_log = logging.getLogger(__name__)

#: Marks withheld batches of a partition as done, and fetches more of it.
GoOn = Callable[[Place, Sequence[Batch]], None]


class Resumption:
    """Looks in the tables for the operator's word on partitions that are halted here."""

    def __init__(self, tables: Tables, identify_stage: IdentifyStage) -> None:
        self._tables, self._identify_stage = tables, identify_stage

    async def look(self, go_on: GoOn) -> None:
        """Handle the withheld batches of resumed partitions; read on unless halted again."""
        floods = self._identify_stage.floods
        if not (halted := tuple(floods.halted)):
            return
        for place, before in (await self._tables.resumed(halted)).items():
            withheld = floods.resume(place, before) if place in floods.halted else None
            if withheld is None:
                continue
            _log.warning("%s-%d goes on: its records below offset %d pass", *place, before)
            await self._identify_stage.handle(withheld)
            if floods.settle(place):
                go_on(place, withheld)


async def end_of(settings: Settings, topic: str, partition: int) -> int:
    """The offset at which a partition ends now; raises :class:`TopicsUnfit`."""
    async with TopicReader(settings, [topic]) as reader:
        ends = await reader.ends_now(topic)
    if partition not in ends:
        raise TopicsUnfit([f"Topic {topic} has no partition {partition}."])
    return ends[partition]
