# SPDX-License-Identifier: Apache-2.0
"""Stage 1, identify: decode source records, look up their origins, route them. Stateless."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from schemas import Event, Reason, Refused, decode
from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.engine.intake.event_to_messages import origin_of, route
from stream.engine.model.directory import Directory
from stream.engine.model.time_checks import Horizons, Rejected
from stream.kafka.clock_skew import now_of
from stream.kafka.dead_letters import UNEXPECTED, Stage, dead_letter
from stream.kafka.encode import message_record
from stream.kafka.record_batches import Batch, InputRecord, Publish
from stream.kafka.unreadable_records import UnreadableRecords, is_record
from stream.lookup.entity_reader import KnownOrigins, PeopleReader
from stream.process.failures import describe_failure
from stream.process.worker_metrics import Metrics
from stream.tables.base import Record, Tables
from stream.worker.dead_letter_breaker import NO_POISON, Floods, Place

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Item:
    """One record being handled: an event and the origin it names, or why it is rejected."""

    batch: Batch
    record: InputRecord
    event: Event | None = None
    origin: str | None = None
    refusal: Rejected | None = None  # None without an event: an unexpected failure
    dead: Reason | None = None

    @property
    def place(self) -> Place:
        """The partition it came from."""
        return self.batch.topic, self.batch.partition

    @property
    def poison(self) -> bool:
        """Whether the record counts towards a flood."""
        return self.dead is not None and self.dead not in NO_POISON


class IdentifyStage:
    """Turns source records into messages of the resolved log, or into dead letters."""

    def __init__(
        self,
        tables: Tables,
        directory: Directory,
        horizons: Horizons,
        publish: Publish,
        *,
        partitions: int,
        clock_ms: Callable[[], int],
        secret: bytes = b"",
        names: TopicNames | None = None,
        metrics: Metrics | None = None,
        floods: Floods | None = None,
    ) -> None:
        self._directory = directory
        self._horizons = horizons
        self._publish = publish
        self._pseudonyms = Pseudonyms(secret, partitions)
        self._people = PeopleReader(tables, self._pseudonyms)
        self._clock_ms = clock_ms
        self._names = names or TopicNames()
        self._metrics = metrics or Metrics()
        self.floods = floods or Floods()

    async def handle(self, batches: Sequence[Batch]) -> None:
        """Publish the messages and dead letters of all records; afterwards acknowledge the batches.

        A record never makes it raise: it becomes a dead letter. Of a partition with too many of
        these (``floods.halted``) nothing is published, and nothing may be acknowledged.
        """
        items = [item for batch in batches for item in self._read(batch)]
        named = dict.fromkeys(item.origin for item in items if item.origin is not None)
        known, now_ms = await self._people.origins(named), self._clock_ms()
        routed = [(item, self._route(item, known, now_ms)) for item in items]
        withheld = self._flooded(items)
        for batch in batches:
            if (batch.topic, batch.partition) in withheld:
                self.floods.withhold(batch)
        kept = [(item, records) for item, records in routed if item.place not in withheld]
        await self._publish([record for _, records in kept for record in records])
        self._metrics.records.labels(Stage.IDENTIFY).inc(len(kept))
        for item, _ in kept:
            if item.dead is not None:
                self._metrics.dead_letters.labels(item.dead).inc()

    def _flooded(self, items: Iterable[_Item]) -> set[Place]:
        """The partitions that a flood of dead letters has halted, now or before."""
        poison: dict[Place, list[tuple[int, bool]]] = {}
        for item in items:
            poison.setdefault(item.place, []).append((item.record.offset, item.poison))
        found = {place for place, all_ in poison.items() if not self.floods.passes(place, all_)}
        self._metrics.halted_partitions.set(len(self.floods.halted))
        return found

    def _read(self, batch: Batch) -> Iterator[_Item]:
        topic = self._names.plain(batch.topic)
        for record in batch.records:
            item = _Item(batch, record)
            if isinstance(record, UnreadableRecords):
                item.refusal = Rejected(Reason.UNREADABLE, str(record))
                yield item
                continue
            if not is_record(record):
                continue
            try:
                event = decode(record.value, record.headers, topic)
                item.origin = origin_of(event)
                item.event = event
            except Refused as refused:
                item.refusal = Rejected(refused.reason, refused.message)
            except Exception as error:
                self._unexpected(item, error)
            yield item

    def _route(self, item: _Item, known: KnownOrigins, now_ms: int) -> list[Record]:
        if item.event is None:
            return [self._dead(item)]

        try:
            routed = route(
                item.event,
                known.origin,
                self._directory,
                self._horizons,
                item.record.timestamp,
                now_of(item.record, now_ms),
            )
            if not isinstance(routed, Rejected):
                return [message_record(send, self._names, self._pseudonyms) for send in routed]
            item.refusal = routed
        except Exception as error:
            self._unexpected(item, error)
        return [self._dead(item)]

    def _dead(self, item: _Item) -> Record:
        item.dead = reason = item.refusal.reason if item.refusal else Reason.INTERNAL
        return dead_letter(
            self._names,
            topic=item.batch.topic,
            partition=item.batch.partition,
            record=item.record,
            stage=Stage.IDENTIFY,
            reason=reason,
            message=item.refusal.message if item.refusal else UNEXPECTED,
            partitions=self._pseudonyms.partitions,
        )

    def _unexpected(self, item: _Item, error: Exception) -> None:
        _log.error(
            "%s-%d offset %d became a dead letter: %s",
            item.batch.topic,
            item.batch.partition,
            item.record.offset,
            describe_failure(error),
        )
