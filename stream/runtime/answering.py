"""Requests of people for their data, answered on the topic ``shadow.exports``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiokafka.errors import MessageSizeTooLargeError

from schemas import Event, Refused, binary_headers, decode
from schemas.exports import CONSUMER_EXPORTED, EXPORT_BYTES_MAX
from stream.engine.directory import Directory
from stream.engine.ids import digest
from stream.engine.routing import Rejected, origin_of, route
from stream.engine.ruleset import RuleBook
from stream.engine.state import Origin
from stream.runtime.exporting import Exporter
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.partitioning import entity_partition
from stream.runtime.people import person_behind, stored
from stream.runtime.runs import Publish
from stream.runtime.topic_reader import TopicReader, TopicRecord
from stream.settings import Settings
from stream.tables import Record, Tables

_log = logging.getLogger(__name__)

#: People whose data are collected in one reading of the topics, and are in memory together.
TOGETHER_MAX: Final = 20
_HEADERS_BYTES: Final = 4_096  # a record has key and headers, too


@dataclass(frozen=True, slots=True)
class Request:
    """A request which the engine takes: ``to`` is the key of the entity which it reaches."""

    event: Event
    to: str
    partition: int
    offset: int


class Mailroom:
    """Reads requests as the identify stage does, so that both take and refuse the same ones."""

    def __init__(
        self, tables: Tables, directory: Directory, book: RuleBook, settings: Settings
    ) -> None:
        self._tables, self._directory, self._book = tables, directory, book
        self._names, self._partitions = settings.topics, settings.partitions

    async def read(self, record: TopicRecord, types: Sequence[str]) -> Request | None:
        """A record as a request of these types; ``None`` if the engine makes it a dead letter."""
        try:
            event = decode(record.value, record.headers, self._names.plain(record.topic))
        except Refused:
            return None
        if event.type not in types:
            return None
        named = origin_of(event)
        known = await stored(self._tables, self._partitions, named) if named else None
        origin = known if isinstance(known, Origin) else None
        routed = route(
            event,
            lambda key: origin,
            self._directory,
            self._book,
            record.timestamp,
            wall_clock_ms(),
        )
        if isinstance(routed, Rejected):
            return None
        return Request(event, routed[0].to, record.partition, record.offset)


class Answers:
    """Publishes one export for each request; the same request gets the same id again."""

    def __init__(self, settings: Settings, tables: Tables, book: RuleBook, publish: Publish):
        self._settings, self._tables, self._publish = settings, tables, publish
        self._exporter = Exporter(tables, book, settings.partitions, settings.topics)

    async def give(self, requests: Sequence[Request]) -> None:
        """Answer them; the engine should have applied what it was sent before them."""
        for at in range(0, len(requests), TOGETHER_MAX):
            await self._together(requests[at : at + TOGETHER_MAX])

    async def _together(self, requests: Sequence[Request]) -> None:
        asked: list[tuple[str, Request]] = []
        for request in requests:
            person = await person_behind(self._tables, self._settings.partitions, request.to)
            if person is None:
                _log.warning(
                    "Request %s names a payment which is not known; there is nothing to export",
                    request.event.id,
                )
                continue
            asked.append((person, request))
        if not asked:
            return
        as_of = wall_clock_ms()
        exports = await self._exporter.begin([person for person, _ in asked], as_of)
        async with TopicReader(self._settings, self._exporter.topics) as reader:
            await self._exporter.read(reader, exports)
        for export, (_, request) in zip(exports, asked, strict=True):
            document = export.document(self._settings.topics, request.event.id)
            await self._send(request.event, export.consumer_id, document, as_of)

    async def _send(
        self, event: Event, consumer_id: str, document: dict[str, Any], as_of: int
    ) -> None:
        value = orjson.dumps(document)
        record = self._record(event, consumer_id, value, as_of)
        try:
            if len(value) > EXPORT_BYTES_MAX - _HEADERS_BYTES:
                raise MessageSizeTooLargeError
            await self._publish([record])
        except MessageSizeTooLargeError:
            _log.error(
                "The export for request %s has %d bytes, more than the topic %s takes; write it "
                "with `shadowpoints export`, which has no limit",
                event.id,
                len(value),
                record.topic,
            )
        else:
            _log.info("Answered request %s with %d bytes", event.id, len(value))

    def _record(self, event: Event, consumer_id: str, value: bytes, as_of: int) -> Record:
        id_ = digest(CONSUMER_EXPORTED, event.source, event.id)
        source = f"urn:shadowpoints:{self._settings.namespace}"
        headers = binary_headers(CONSUMER_EXPORTED, id_, source, as_of, consumer_id)
        partition = entity_partition(consumer_id, self._settings.partitions)
        topic = self._settings.topics.exports
        return Record(topic, id_.encode(), value, tuple(headers), partition)
