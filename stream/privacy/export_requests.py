# SPDX-License-Identifier: Apache-2.0
"""Read people's requests for their data, and publish the exports on ``shadow.exports``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas import Event, Refused, binary_headers, decode
from schemas.exports import CONSUMER_EXPORTED, EXPORT_BYTES_MAX
from stream.addressing.partitioning import entity_partition
from stream.addressing.pseudonyms import Pseudonyms
from stream.config.client_security import hash_secret
from stream.config.settings import Settings
from stream.engine.intake.event_to_messages import origin_of, route
from stream.engine.model.directory import Directory
from stream.engine.model.ids import digest
from stream.engine.model.time_checks import Rejected
from stream.kafka.clock_skew import now_of
from stream.kafka.record_batches import Publish
from stream.kafka.topic_reader import TopicReader, TopicRecord
from stream.lookup.entity_reader import PeopleReader
from stream.lookup.rules_in_force import horizons_of
from stream.privacy.export import Exporter
from stream.privacy.export_splitter import parts_of
from stream.process.clock import wall_clock_ms
from stream.tables import Record, Tables

_log = logging.getLogger(__name__)

#: People whose data are collected in one pass over the topics, in memory together.
TOGETHER_MAX: Final = 20
_HEADERS_BYTES: Final = 4_096  # room for key and headers of a record


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the engine accepts; ``to`` are the keys of the entities it is sent to."""

    event: Event
    to: tuple[str, ...]
    partition: int
    offset: int

    @property
    def place(self) -> str:
        """Partition and offset, for logs; the event's id may hold personal data."""
        return f"{self.partition}@{self.offset}"


def _people_of(settings: Settings, tables: Tables) -> PeopleReader:
    """A reader of the deployment's people."""
    return PeopleReader(tables, Pseudonyms(hash_secret(settings), settings.partitions))


class RequestReader:
    """Reads requests as the identify stage does, so that both accept and refuse the same ones."""

    def __init__(self, tables: Tables, directory: Directory, settings: Settings) -> None:
        self._people, self._directory = _people_of(settings, tables), directory
        self._horizons, self._names = horizons_of(settings), settings.topics

    async def read(self, record: TopicRecord, types: Sequence[str]) -> Request | None:
        """A record as a request of one of these types; ``None`` if it becomes a dead letter."""
        try:
            event = decode(record.value, record.headers, self._names.plain(record.topic))
        except Refused:
            return None
        if event.type not in types:
            return None
        named = origin_of(event)
        known = await self._people.origins([named] if named else [])
        routed = route(
            event,
            known.origin,
            self._directory,
            self._horizons,
            record.timestamp,
            now_of(record, wall_clock_ms()),
        )
        if isinstance(routed, Rejected):
            return None
        to = tuple(dict.fromkeys(send.to for send in routed))
        return Request(event, to, record.partition, record.offset)


class ExportAnswers:
    """Publishes an export for each request, in parts if large; repeating it repeats the ids."""

    def __init__(self, settings: Settings, tables: Tables, publish: Publish):
        self._settings, self._publish = settings, publish
        self._exporter = Exporter(tables, settings.partitions, settings.topics)
        self._people = _people_of(settings, tables)

    async def give(self, requests: Sequence[Request]) -> None:
        """Answer them; the engine should have applied all messages before them."""
        for at in range(0, len(requests), TOGETHER_MAX):
            await self._together(requests[at : at + TOGETHER_MAX])

    async def _together(self, requests: Sequence[Request]) -> None:
        asked = [(person, r) for r in requests for person in await self._asked_about(r)]
        if not asked:
            return
        as_of = wall_clock_ms()
        exports = await self._exporter.begin([person for person, _ in asked], as_of)
        async with TopicReader(self._settings, self._exporter.topics) as reader:
            await self._exporter.read(reader, exports)
        for export, (_, request) in zip(exports, asked, strict=True):
            document = export.document(self._settings.topics, request.event.id)
            await self._send(request, export.consumer_id, document, as_of)

    async def _asked_about(self, request: Request) -> list[str]:
        """The people behind a request, without those who were erased after it was made.

        The engine refuses such a request, too. It has applied all messages before this one, so
        that the marks of earlier erasures are stored.
        """
        event, found = request.event, list[str]()
        for key in request.to:
            person = await self._people.person_behind(key)
            if person is None:
                _log.warning(
                    "Request %s names an unknown payment; there is nothing to export",
                    request.place,
                )
                continue
            gone = await self._people.erased_among({key, person})
            if any(one.had(event.time_ms) for one in gone.values()):
                _log.info(
                    "Request %s was made before an erasure; nothing is left to export",
                    request.place,
                )
            elif person not in found:
                found.append(person)
        return found

    async def _send(
        self, request: Request, consumer_id: str, document: dict[str, Any], as_of: int
    ) -> None:
        try:
            parts = parts_of(document, EXPORT_BYTES_MAX - _HEADERS_BYTES)
        except ValueError:
            _log.error(
                "The export for request %s cannot be cut into parts that fit the topic; write it "
                "with `shadowpoints export`, which has no limit",
                request.place,
            )
            return
        values = [orjson.dumps(part) for part in parts]
        event = request.event
        await self._publish(
            [self._record(event, consumer_id, n, value, as_of) for n, value in enumerate(values)]
        )
        size = sum(map(len, values))
        _log.info("Answered request %s with %d bytes in %d parts", request.place, size, len(parts))

    def _record(
        self, event: Event, consumer_id: str, number: int, value: bytes, as_of: int
    ) -> Record:
        further = [str(number)] if number else []  # the first part has the id of the whole
        id_ = digest(CONSUMER_EXPORTED, event.source, event.id, consumer_id, *further)
        source = f"urn:shadowpoints:{self._settings.namespace}"
        headers = binary_headers(CONSUMER_EXPORTED, id_, source, as_of, consumer_id)
        partition = entity_partition(consumer_id, self._settings.partitions)
        topic = self._settings.topics.exports
        return Record(topic, id_.encode(), value, tuple(headers), partition)
