"""Stage 1, identify: decode, look up the origin, route. Keeps no state of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas import Event, Reason, Refused, decode
from stream.engine.codec import load_bare_origin, load_entity
from stream.engine.directory import Directory
from stream.engine.routing import Rejected, origin_of, route
from stream.engine.ruleset import RuleBook
from stream.engine.state import Erased, Origin
from stream.runtime.dead_letters import (
    UNEXPECTED,
    Stage,
    dead_letter,
    describe_failure,
)
from stream.runtime.flood import DeadLetterFlood, FloodLimit
from stream.runtime.metrics import Metrics
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.runtime.records import message_record
from stream.runtime.runs import InputRecord, Publish, Run
from stream.runtime.topics import TopicNames
from stream.tables.base import Record, Tables

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Item:
    """One record on its way: an event and the origin it names, or already a refusal."""

    run: Run
    record: InputRecord
    event: Event | None = None
    origin: str | None = None
    refusal: Rejected | None = None  # None without an event: an unexpected failure
    dead: bool = False


class _Known:
    """What is stored of origins, each decoded once; nothing in here is ever changed."""

    def __init__(self, stored: Mapping[str, bytes], marks: Mapping[str, str]) -> None:
        self._stored, self._marks = stored, marks
        self._origins: dict[str, Origin | None] = {}

    def origin(self, key: str) -> Origin | None:
        """Who an origin is, be it only that it was erased."""
        if key not in self._origins:
            self._origins[key] = self._load(key)
        return self._origins[key]

    def _load(self, key: str) -> Origin | None:
        if (value := self._stored.get(key)) is not None:
            return load_bare_origin(value) if key.startswith("origin.") else None
        mark = self._marks.get(key, "")
        if (value := self._stored.get(mark)) is not None:
            entity = load_entity(mark, value)
            return Origin(erased=entity) if isinstance(entity, Erased) else None
        return None


class Identifier:
    """Turns source records into messages of the resolved log, and the rest into dead letters."""

    def __init__(
        self,
        tables: Tables,
        directory: Directory,
        book: RuleBook,
        publish: Publish,
        *,
        partitions: int,
        clock_ms: Callable[[], int],
        secret: bytes = b"",
        names: TopicNames | None = None,
        metrics: Metrics | None = None,
        flood: FloodLimit | None = None,
    ) -> None:
        self._tables = tables
        self._directory = directory
        self._book = book
        self._publish = publish
        self._pseudonyms = Pseudonyms(secret, partitions)
        self._clock_ms = clock_ms
        self._names = names or TopicNames()
        self._metrics = metrics or Metrics()
        self._flood = flood or FloodLimit()

    async def handle(self, runs: Sequence[Run]) -> None:
        """Publish what all records of the runs become; afterwards they may be acknowledged.

        One record never makes it raise: what cannot be handled becomes a dead letter. Too many of
        them do: :class:`DeadLetterFlood`, before anything of the runs is published.
        """
        items = [item for run in runs for item in self._read(run)]
        named = dict.fromkeys(item.origin for item in items if item.origin is not None)
        known, now_ms = await self._load(named), self._clock_ms()
        routed = [self._route(item, known, now_ms) for item in items]
        try:
            self._flood.check(item.dead for item in items)
        except DeadLetterFlood as flood:
            _log.critical("%s", flood)
            raise
        await self._publish([record for records in routed for record in records])
        self._metrics.records.labels(Stage.IDENTIFY).inc(len(items))

    def _read(self, run: Run) -> Iterator[_Item]:
        topic = self._names.plain(run.topic)
        for record in run.records:
            item = _Item(run, record)
            try:
                event = decode(record.value, record.headers, topic)
                item.origin = origin_of(event)
                item.event = event
            except Refused as refused:
                item.refusal = Rejected(refused.reason, refused.message)
            except Exception as error:
                self._unexpected(item, error)
            yield item

    async def _load(self, keys: Iterable[str]) -> _Known:
        """What is stored of origins, or else, that they were erased."""
        found = await self._read_tables(keys)
        marks = {key: self._pseudonyms.of(key) for key in keys if key not in found}
        return _Known(found | await self._read_tables(marks.values()), marks)

    async def _read_tables(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted: dict[int, list[str]] = {}
        for key in keys:
            partition = entity_partition(key, self._pseudonyms.partitions)
            wanted.setdefault(partition, []).append(key)
        return await self._tables.load(wanted) if wanted else {}

    def _route(self, item: _Item, known: _Known, now_ms: int) -> list[Record]:
        if item.event is None:
            return [self._dead(item)]

        try:
            routed = route(
                item.event,
                known.origin,
                self._directory,
                self._book,
                item.record.timestamp,
                now_ms,
            )
            if not isinstance(routed, Rejected):
                return [message_record(send, self._names, self._pseudonyms) for send in routed]
            item.refusal = routed
        except Exception as error:
            self._unexpected(item, error)
        return [self._dead(item)]

    def _dead(self, item: _Item) -> Record:
        item.dead = True
        reason = item.refusal.reason if item.refusal else Reason.INTERNAL
        self._metrics.dead_letters.labels(reason).inc()
        return dead_letter(
            self._names,
            topic=item.run.topic,
            partition=item.run.partition,
            record=item.record,
            stage=Stage.IDENTIFY,
            reason=reason,
            message=item.refusal.message if item.refusal else UNEXPECTED,
        )

    def _unexpected(self, item: _Item, error: Exception) -> None:
        _log.error(
            "%s-%d offset %d became a dead letter: %s",
            item.run.topic,
            item.run.partition,
            item.record.offset,
            describe_failure(error),
        )
