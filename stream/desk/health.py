# SPDX-License-Identifier: Apache-2.0
"""How far the workers are: by partition of the resolved log, and by source topic."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from stream.config.client_security import kafka_options
from stream.desk.sources import Sources
from stream.desk.table import table
from stream.kafka.connection_errors import explained, opening
from stream.kafka.topic_reader import TopicReader
from stream.language import desk_messages as m
from stream.language import report_messages as r
from stream.language.message import Phrase
from stream.report.page import Section
from stream.tables.base import NOTHING_APPLIED

_AGAIN_S: Final = 0.3


class Place(NamedTuple):
    """A partition of a source topic: how many records it had, has and how many were read."""

    topic: str
    partition: int
    begin: int
    end: int
    read: int

    @property
    def waiting(self) -> int:
        return max(0, self.end - max(self.begin, self.read))


async def health_page(sources: Sources) -> list[Section]:
    """The sections of the page; raises ``TopicsUnfit``."""
    names = sources.settings.topics
    async with (
        sources.kafka(),
        TopicReader(sources.settings, [names.resolved, *names.sources]) as reader,
    ):
        ends = await reader.ends_now(names.resolved)
        places = await _places(sources, reader)
    return [await _lag(sources, ends), _sources(sources, places), _skew(ends)]


async def _places(sources: Sources, reader: TopicReader) -> list[Place]:
    ends = {
        TopicPartition(topic, partition): end
        for topic in sources.settings.topics.sources
        for partition, end in (await reader.ends_now(topic)).items()
    }
    admin = AIOKafkaAdminClient(
        bootstrap_servers=sources.settings.kafka_bootstrap_servers,
        **kafka_options(sources.settings),
    )
    async with opening(sources.settings, admin.close):
        await admin.start()
    try:
        async with explained(sources.settings, OSError):
            read = await _read(admin, sources.settings.namespace, list(ends))
    finally:
        await admin.close()
    return [
        Place(
            at.topic,
            at.partition,
            reader.bounds(at.topic, at.partition)[0],
            end,
            max(0, read[at].offset) if at in read else 0,
        )
        for at, end in ends.items()
    ]


async def _read(
    admin: AIOKafkaAdminClient, group: str, places: list[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """The group's offsets. A broker that never had a group makes the topic for them when asked."""
    while True:
        try:
            return await admin.list_consumer_group_offsets(group, partitions=places)  # type: ignore[no-any-return]
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_AGAIN_S)


async def _lag(sources: Sources, ends: Mapping[int, int]) -> Section:
    stored = await sources.tables.positions(list(ends))
    rows: list[Sequence[Phrase | str | int]] = []
    for partition, end in sorted(ends.items()):
        applied = stored[partition][1] if partition in stored else NOTHING_APPLIED
        clock_ms = (await sources.tables.view(partition, [])).clock_ms
        age = _age(sources.clock_ms() - clock_ms) if clock_ms else m.NEVER_READ()
        rows.append((str(partition), end, max(0, end - 1 - applied), age))
    headings = [m.H_PARTITION(), m.H_END(), m.H_WAITING(), m.H_NEWEST()]
    return table("lag", m.LAG(), m.LAG_NOTE(), headings, rows, bars=2)


def _age(age_ms: int) -> Phrase:
    return m.SECONDS(seconds=f"{max(0, age_ms) / 1000:,.1f}")


def _sources(sources: Sources, places: Sequence[Place]) -> Section:
    now_s = time.monotonic()
    rows: list[Sequence[Phrase | str | int]] = []
    for topic in dict.fromkeys(place.topic for place in places):
        mine = [place for place in places if place.topic == topic]
        stands = [
            str(place.partition)
            for place in mine
            if sources.standstill.stands((topic, place.partition), place.read, place.waiting, now_s)
        ]
        rows.append(
            (
                sources.settings.topics.plain(topic),
                sum(place.end - place.begin for place in mine),
                sum(place.waiting for place in mine),
                ", ".join(stands) if stands else r.R_NO(),
            )
        )
    headings = [m.H_TOPIC(), m.H_RECORDS(), m.H_WAITING(), m.H_STANDS()]
    return table("sources", m.SOURCES(), m.SOURCES_NOTE(), headings, rows, bars=1)


def _skew(ends: Mapping[int, int]) -> Section:
    total = sum(ends.values())
    note = m.SKEW_NONE()
    if total:
        note = m.SKEW_NOTE(ratio=f"{max(ends.values()) * len(ends) / total:.2f}")
    rows = [(str(partition), end) for partition, end in sorted(ends.items())]
    return table("skew", m.SKEW(), note, [m.H_PARTITION(), m.H_RECORDS()], rows, bars=1)
