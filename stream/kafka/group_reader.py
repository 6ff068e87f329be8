# SPDX-License-Identifier: Apache-2.0
"""Read topics in a consumer group, and commit the offsets up to which every record is finished.

Records finish in any order. After a crash, or in the partition's next owner, those that did not
finish are read again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from stream.addressing.topics import METADATA_MAX_AGE_MS
from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, opening, why_unusable
from stream.kafka.fetching import COMMITTED_ONLY, LogFetcher
from stream.kafka.unreadable_records import is_record

_log = logging.getLogger(__name__)

RECORDS_MAX: Final = 500  # of one fetch
_RETRY_S: Final = 1.0  # while Kafka does not answer


class RecordPosition(NamedTuple):
    """The topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int


class GroupReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """A context manager; raises :class:`TopicsUnfit`.

    ``group`` and ``topics`` are names as the broker knows them. ``on_lost`` is called with the
    unfinished records of partitions that were revoked.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        topics: Sequence[str],
        on_lost: Callable[[Sequence[RecordPosition]], None],
    ) -> None:
        self._settings, self._topics, self._on_lost = settings, topics, on_lost
        self._new: set[TopicPartition] = set()  # assigned, without a start offset yet
        self._read: dict[TopicPartition, int] = {}  # the offset after the last record read
        self._open: dict[TopicPartition, set[int]] = {}  # unfinished records
        self._committed: dict[TopicPartition, int] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # of a recreated topic; else see start_offset
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_interval_s * 1000),
            **COMMITTED_ONLY,
            **kafka_options(settings),
        )
        self._fetcher = LogFetcher(self._consumer)

    async def __aenter__(self) -> Self:
        self._consumer.subscribe(list(self._topics), listener=self)
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def start_offset(self, at: TopicPartition) -> int:
        """The first offset to read: the committed one; in a new group, or a new log, the first."""
        committed = await self._consumer.committed(at)
        end = (await self._consumer.end_offsets([at]))[at]
        return 0 if committed is None or committed > end else int(committed)

    async def read(
        self, wait_s: float, is_full: Callable[[TopicPartition], bool] = lambda at: False
    ) -> list[Any]:
        """The next records, but for those of partitions that are full."""
        try:
            await self._seek_new()
            wanted = self._consumer.assignment() - self._pause(is_full)
            found = await self._fetcher.records(wanted, wait_s, RECORDS_MAX)
        except KafkaError as error:
            if not error.retriable:
                raise TopicsUnfit([await why_unusable(self._settings, error)]) from None
            _log.warning("Kafka does not answer (%s); retrying", type(error).__name__)
            await asyncio.sleep(_RETRY_S)
            return []
        records: list[Any] = []
        for partition, some in found.items():
            if partition in self._read and partition not in self._new:
                self._read[partition] = some[-1].offset + 1
                readable = [record for record in some if is_record(record)]
                self._open[partition].update(record.offset for record in readable)
                records += readable
        return records

    def finish(self, at: RecordPosition) -> None:
        """Mark a record as finished; no effect if its partition was revoked."""
        self._open.get(TopicPartition(at.topic, at.partition), set()).discard(at.offset)

    async def commit(self) -> None:
        """Commit the offsets up to which every record is finished."""
        positions = {
            partition: min(self._open[partition], default=offset)
            for partition, offset in self._read.items()
        }
        changed = {p: offset for p, offset in positions.items() if self._committed.get(p) != offset}
        if not changed:
            return
        try:
            await self._consumer.commit(changed)
            self._committed |= changed
        except (CommitFailedError, IllegalStateError):
            _log.info("The group is rebalancing; offsets are committed later")
        except KafkaError as error:
            _log.warning("Offsets were not committed (%s)", type(error).__name__)

    # the group ------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit, and drop unfinished records: the next owner reads them again."""
        await self.commit()
        lost = [
            RecordPosition(p.topic, p.partition, offset)
            for p in revoked
            for offset in self._open.get(p, ())
        ]
        for at in revoked:
            for known in (self._read, self._open, self._committed):
                known.pop(at, None)
            self._new.discard(at)
        self._on_lost(lost)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """`read` seeks to their start offsets before it returns any of their records."""
        self._new |= set(assigned)

    async def _seek_new(self) -> None:
        for at in sorted(self._new & self._consumer.assignment()):
            offset = await self.start_offset(at)
            if at not in self._consumer.assignment():
                continue
            self._consumer.seek(at, offset)
            self._read[at], self._open[at] = offset, set()
            self._new.discard(at)
            _log.info("Reading %s-%d from offset %d", at.topic, at.partition, offset)

    def _pause(self, is_full: Callable[[TopicPartition], bool]) -> set[TopicPartition]:
        """Fetch nothing for full partitions; returns them."""
        full = {at for at in self._consumer.assignment() if is_full(at)}
        paused = self._consumer.paused()
        self._consumer.pause(*full - paused)
        self._consumer.resume(*paused - full)
        return full
