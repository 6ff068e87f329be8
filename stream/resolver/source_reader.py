"""Read the source topics in the resolver's consumer group, and commit finished offsets.

An offset is committed when every record before it is finished, so a crash repeats lookups, which
is harmless. Records of ``wechat.pay`` that are older than getPaidUnionId's window are skipped:
WeChat no longer answers about them, and they would delay those it does answer about. A new group
begins with that window, at the end of ``wechat.official-account``, and at the beginning of
``wechat.shop``: hints of orders have no window. A new partition of a topic that the group knows is
read from its beginning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from schemas.topics import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY, TOPIC_SHOP
from stream.addressing.topics import METADATA_MAX_AGE_MS
from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.kafka.connection_errors import TopicsUnfit, opening, why_unusable
from stream.kafka.fetching import COMMITTED_ONLY, LogFetcher
from stream.kafka.unreadable_records import is_record
from stream.resolver.lookups import PAID_WINDOW_MS

_log = logging.getLogger(__name__)

TOPICS: Final = (TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT, TOPIC_SHOP)
_RECORDS_MAX: Final = 500
_RETRY_S: Final = 1.0  # while Kafka does not answer


class RecordPosition(NamedTuple):
    """The topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int


class SourceReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """A context manager; raises :class:`TopicsUnfit`.

    ``on_lost`` is called with the unfinished records of partitions that were revoked, and
    ``on_skipped`` with the number of records skipped.
    """

    def __init__(
        self,
        settings: Settings,
        now_ms: Callable[[], int],
        on_lost: Callable[[Sequence[RecordPosition]], None],
        on_skipped: Callable[[int], None],
    ) -> None:
        self._settings, self._now_ms = settings, now_ms
        self._on_lost, self._on_skipped = on_lost, on_skipped
        self._topics = [settings.topics.prefix + name for name in TOPICS]
        self._new: set[TopicPartition] = set()  # assigned, without a start offset yet
        self._read: dict[TopicPartition, int] = {}  # the offset after the last record read
        self._open: dict[TopicPartition, set[int]] = {}  # unfinished records
        self._committed: dict[TopicPartition, int] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=f"{settings.namespace}-resolver",
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # of a recreated topic; else see _start_offset
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_interval_s * 1000),
            **COMMITTED_ONLY,
            **kafka_options(settings),
        )
        self._fetcher = LogFetcher(self._consumer)

    async def __aenter__(self) -> Self:
        self._consumer.subscribe(self._topics, listener=self)
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def read(self, wait_s: float, without: Iterable[str] = ()) -> list[Any]:
        """The next records, except of the topics in ``without`` (names without prefix)."""
        try:
            await self._seek_new()
            self._pause(frozenset(without))
            found = await self._fetcher.records(self._consumer.assignment(), wait_s, _RECORDS_MAX)
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
        """Commit, and drop unfinished records: the next owner repeats their lookups."""
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
            offset = await self._start_offset(at)
            if at not in self._consumer.assignment():
                continue
            self._consumer.seek(at, offset)
            self._read[at], self._open[at] = offset, set()
            self._new.discard(at)
            _log.info("Reading %s-%d from offset %d", at.topic, at.partition, offset)

    async def _start_offset(self, at: TopicPartition) -> int:
        """The first offset to read: in ``wechat.pay``, no record whose window has passed."""
        committed = await self._consumer.committed(at)
        end: int = (await self._consumer.end_offsets([at]))[at]
        if at.topic == self._settings.topics.prefix + TOPIC_SHOP:
            return 0 if committed is None or committed > end else int(committed)
        if at.topic != self._settings.topics.prefix + TOPIC_PAY:
            if committed is not None:
                return min(int(committed), end)
            return 0 if await self._has_read(at.topic) else end
        since_ms = self._now_ms() - PAID_WINDOW_MS
        found = (await self._consumer.offsets_for_times({at: since_ms}))[at]
        begin = end if found is None else int(found.offset)
        if committed is None or committed > end:  # a new group, or a recreated topic
            return begin
        self._on_skipped(max(0, begin - int(committed)))
        return max(begin, int(committed))

    async def _has_read(self, topic: str) -> bool:
        """Whether the group has read any partition of a topic before."""
        partitions = [TopicPartition(topic, p) for p in self._consumer.partitions_for_topic(topic)]
        return any([await self._consumer.committed(p) is not None for p in partitions])

    def _pause(self, without: frozenset[str]) -> None:
        prefix = self._settings.topics.prefix
        for at in self._consumer.assignment():
            paused = at in self._consumer.paused()
            if (at.topic.removeprefix(prefix) in without) != paused:
                (self._consumer.resume if paused else self._consumer.pause)(at)
