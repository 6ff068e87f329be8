# SPDX-License-Identifier: Apache-2.0
"""What the desk reads, with limits of time and of how much at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from stream.addressing.pseudonyms import Pseudonyms
from stream.config.client_security import hash_secret
from stream.config.settings import Settings
from stream.desk.standstill import Standstill
from stream.engine.model.directory import Directory
from stream.kafka.topic_reader import TopicReader, TopicRecord
from stream.lookup.entity_reader import EntityReader
from stream.process.clock import wall_clock_ms
from stream.tables import Tables

_log = logging.getLogger(__name__)

#: For all that one page reads.
PAGE_WITHIN_S: Final = 25.0
#: Of a partition of an output topic so many of the newest records are read.
NEWEST_MAX: Final = 50_000
_READERS_MAX: Final = 2


@dataclass
class Sources:
    """The deployment behind the pages. ``tables`` are open; the caller closes them."""

    settings: Settings
    tables: Tables
    directory: Directory
    report: Path | None = None
    clock_ms: Callable[[], int] = wall_clock_ms
    standstill: Standstill = field(default_factory=Standstill)

    def __post_init__(self) -> None:
        self._pseudonyms = Pseudonyms(hash_secret(self.settings), self.settings.partitions)
        self._at_once = asyncio.Semaphore(_READERS_MAX)

    @property
    def reader(self) -> EntityReader:
        return EntityReader(self.tables, self.settings.partitions)

    @asynccontextmanager
    async def kafka(self) -> AsyncIterator[None]:
        """Within it topics may be read; others wait, so that one process reads little at once."""
        async with self._at_once:
            yield

    def log_look(self, key: str, *, whole: bool) -> None:
        """Log that somebody looked at a person, whose name is a keyed hash."""
        name = self._pseudonyms.of(key).rpartition(".")[2]
        _log.info("Looked at a person: %s, %s ids", name, "whole" if whole else "masked")


async def newest(
    reader: TopicReader, topic: str, partition: int, most: int = NEWEST_MAX
) -> AsyncIterator[TopicRecord]:
    """The newest records of a partition, in their order."""
    begin, end = reader.bounds(topic, partition)
    async for batch in reader.batches(topic, partition, max(begin, end - most), end):
        for record in batch:
            yield record


async def about(
    reader: TopicReader, topic: str, places: Iterable[int], wanted: Callable[[TopicRecord], bool]
) -> AsyncIterator[tuple[dict[str, str], dict[str, Any]]]:
    """Headers and data of the wanted records among the newest of some partitions."""
    for partition in places:
        async for record in newest(reader, topic, partition):
            if record.value and wanted(record):
                headers = {
                    name: (v or b"").decode("utf-8", "replace") for name, v in record.headers
                }
                yield headers, orjson.loads(record.value)
