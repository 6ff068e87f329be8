# SPDX-License-Identifier: Apache-2.0
"""Fetch records by aiokafka's consumer, past unreadable ones, and notice a log that went back.

When aiokafka 0.14.0 cannot decode a record, it loses those it has taken of other partitions, and at
the next call those before the record. It silently resets an offset that is out of range, and does
not notice that a log went back once the log is longer again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final, Protocol

from aiokafka import TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    LeaderNotAvailableError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from faust.types import TP

from stream.kafka.record_batches import InputRecord
from stream.kafka.record_marks import RecordMark
from stream.kafka.topic_ids import topic_ids
from stream.kafka.unreadable_records import (
    OffsetGap,
    UnreadableRecords,
    is_local_fault,
    is_record,
    last_record,
    recovered_records,
)

_log = logging.getLogger(__name__)

#: Options of every consumer: records of aborted transactions are left out.
COMMITTED_ONLY: Final[Mapping[str, Any]] = {"isolation_level": "read_committed"}

_ONE_BATCH_BYTES: Final = 1  # a broker answers with at least one batch, of any size
_FETCHING: Final = ConnectionGroup.DEFAULT
_LOOK_EVERY_S: Final = 5.0
_TRIES: Final = 20
_BACK_OFF_S: Final = 0.2

FetchedRecords = dict[TopicPartition, list[InputRecord]]


class OffsetCheck(Protocol):
    """Finds the offset to go on from in a log that may have changed."""

    async def checked_offset(self, log: LogFetcher, tp: TopicPartition, offset: int) -> int | None:
        """Where to go on after ``offset`` was reached; ``None``: ask again later."""


class ClampToLog:
    """For short-lived readers: an offset out of range becomes the start."""

    async def checked_offset(self, log: LogFetcher, tp: TopicPartition, offset: int) -> int | None:
        start, end = (await log.starts([tp]))[tp], (await log.ends([tp]))[tp]
        return offset if start <= offset <= end else start


class LogFetcher:
    """Fetches records of an ``AIOKafkaConsumer``, with an :class:`OffsetGap` for other offsets.

    Each fetch of a partition ends where the next one begins: offsets at the end without a record
    become a gap, so that committing what was fetched leaves no lag.
    Runs in the consumer's thread. The consumer is made with :data:`COMMITTED_ONLY`.
    """

    def __init__(self, consumer: Any, doubts: OffsetCheck | None = None) -> None:
        self._consumer = consumer
        self._offset_check = doubts or ClampToLog()
        self._last: dict[TopicPartition, RecordMark | tuple[InputRecord, str]] = {}
        self._logs: dict[str, str] = {}  # ids of topics, as last looked up
        self._looking: asyncio.Task[dict[str, str]] | None = None
        self._looked_at_s = monotonic()
        self._unsure: set[TopicPartition] = set()
        self._connections: dict[TopicPartition, Any] = {}
        self._moved: set[TP] = set()
        self._send = consumer._client.send
        consumer._client.send = self._watched

    def mark(self, tp: TopicPartition) -> RecordMark | None:
        """The mark of the last record fetched of a partition."""
        last = self._last.get(tp)
        return RecordMark.of(*last) if isinstance(last, tuple) else last

    def log(self, topic: str) -> str:
        """The id of a topic; empty where the broker has none."""
        return self._logs.get(topic, "")

    def resume(
        self, tps: Iterable[TopicPartition], marks: Mapping[TopicPartition, RecordMark]
    ) -> None:
        """Go on in these partitions after these marks, which were just verified."""
        client = self._consumer._client
        self._last = dict(marks)
        self._unsure.clear()
        self._connections = {
            tp: client._conns.get((client.cluster.leader_for_partition(tp), _FETCHING))
            for tp in tps
        }

    def taken_moves(self) -> set[TP]:
        """The partitions whose offset was changed since the last call."""
        moved, self._moved = self._moved, set()
        return moved

    # fetching --------------------------------------------------------------------------------

    async def records(
        self, wanted: Collection[TopicPartition], timeout_s: float, most: int
    ) -> FetchedRecords:
        """At most ``most`` records of these partitions, in order; none after ``timeout_s``."""
        fetcher, end = self._consumer._fetcher, monotonic() + timeout_s
        if self._consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await self._until(wanted, end, most)

    async def _until(
        self, wanted: Collection[TopicPartition], end: float, most: int
    ) -> FetchedRecords:
        fetcher = self._consumer._fetcher
        while True:
            await self._look()
            if fetcher._subscriptions.reassignment_in_progress:
                await fetcher._subscriptions.wait_for_assignment()
            drawn = await self._fetched(wanted, most)
            left_s = end - monotonic()
            if drawn or left_s <= 0:
                return drawn
            waiter = fetcher._create_fetch_waiter()
            done, _ = await asyncio.wait([waiter], timeout=left_s)
            if not done or fetcher._closed:
                waiter.cancel()
                return {}
            waiter.result()  # raises if this user must not read

    async def _fetched(self, wanted: Collection[TopicPartition], most: int) -> FetchedRecords:
        fetcher, drawn = self._consumer._fetcher, FetchedRecords()
        for tp in list(fetcher._records):
            if tp not in wanted:
                if not fetcher._subscriptions.is_assigned(tp):
                    fetcher._records.pop(tp, None)
                continue
            if most <= 0 or not await self._is_sure(tp):
                continue
            result = fetcher._records.get(tp)
            if isinstance(result, FetchResult):
                found = await self._taken(tp, result, most)
            elif result is not None and not drawn:
                found = await self._failed(tp, result)
            else:
                continue
            if found:
                drawn[tp] = found
                most -= len(found)
                if (last := last_record(found)) is not None:
                    self._last[tp] = last, self.log(tp.topic)
        return drawn

    async def _taken(self, tp: TopicPartition, result: FetchResult, most: int) -> list[InputRecord]:
        if not result.check_assignment(tp):
            self._drop(tp)
            return []
        state = result._assignment.state_value(tp)
        found: list[InputRecord] = []
        passed, problem = state.position, None
        try:
            for record in result._partition_records:
                found.append(record)
                passed = record.offset + 1
                if len(found) >= most:
                    result._update_position()
                    return found
        except Exception as error:
            if is_local_fault(error):
                raise
            problem = error
        result._update_position()
        self._drop(tp)
        if problem is not None:
            return [*found, *await self._refused(tp, result._assignment)]
        if state.position > passed:
            found.append(OffsetGap(state.position - 1))
        return found

    async def _refused(self, tp: TopicPartition, assignment: Any) -> list[InputRecord]:
        """Fetch again what could not be decoded, recover what can be, and go past it."""
        at = assignment.state_value(tp).position
        try:
            raw, aborted = await self._raw(tp, at)
        except KafkaError:
            return []  # it is fetched again
        state = assignment.state_value(tp) if assignment.active else None
        found = recovered_records(tp, raw, aborted, at)
        if not found or state is None or not state.has_valid_position or state.position != at:
            return []
        return self._past(tp, found)

    def _past(self, tp: TopicPartition, found: list[InputRecord]) -> list[InputRecord]:
        for hole in found:
            if isinstance(hole, UnreadableRecords):
                _log.error(
                    "%s-%d cannot be read from offset %d to %d (%s): passed over",
                    *tp,
                    hole.first,
                    hole.offset,
                    hole.problem,
                )
        self._consumer._fetcher.seek_to(tp, found[-1].offset + 1)
        return found

    async def _failed(self, tp: TopicPartition, result: Any) -> list[InputRecord]:
        self._drop(tp)
        match result._error:
            case OffsetOutOfRangeError():
                self._unsure.add(tp)
                await self._is_sure(tp)
                return []
            case NoOffsetForPartitionError():  # just assigned: its reader has yet to seek
                return []
            case RecordTooLargeError():  # a damaged length; aiokafka has passed one offset
                at = self._consumer._fetcher._subscriptions.subscription.assignment.state_value(tp)
                lost = at.position - 1
                return self._past(
                    tp, [UnreadableRecords(lost, first=lost, problem="RecordTooLargeError")]
                )
            case error:
                raise error

    def _drop(self, tp: TopicPartition) -> None:
        fetcher = self._consumer._fetcher
        fetcher._records.pop(tp, None)
        fetcher._notify(fetcher._wait_consume_future)

    # verifying -------------------------------------------------------------------------------

    async def _watched(self, node_id: Any, request: Any, **options: Any) -> Any:
        """The client's ``send``: a failed fetch or a new connection makes partitions unsure."""
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **options)
        asked = [
            TopicPartition(topic, place[0]) for topic, places in request.topics for place in places
        ]
        connection = await self._consumer._client._get_conn(node_id)
        for tp in asked:
            if self._connections.setdefault(tp, connection) is not connection:
                self._connections[tp] = connection
                self._unsure.add(tp)
        try:
            response = await self._send(node_id, request, **options)
        except BaseException:
            self._unsure.update(asked)
            raise
        for topic, places in response.topics:
            self._unsure.update(TopicPartition(topic, place[0]) for place in places if place[1])
        return response

    async def look(self, topics: Iterable[str]) -> None:
        """Learn the ids of topics; raises ``KafkaError``."""
        self._looking = None  # its answer may be outdated
        self._logs = await topic_ids(self._consumer._client, topics)
        self._looked_at_s = monotonic()

    async def _look(self) -> None:
        """Check now and then whether a topic was recreated, which need not fail a fetch."""
        if not self._logs:
            return
        if self._looking is None:
            if monotonic() - self._looked_at_s > _LOOK_EVERY_S:
                self._looking = asyncio.create_task(self._seen(list(self._logs)))
        elif self._looking.done():
            seen, self._looking = self._looking.result(), None
            self._looked_at_s = monotonic()
            recreated = {topic for topic, id_ in seen.items() if self._logs.get(topic, id_) != id_}
            self._logs |= seen
            for tp in self._consumer.assignment() if recreated else ():
                if tp.topic in recreated:
                    self._unsure.add(tp)
                    await self._is_sure(tp)

    async def _seen(self, topics: list[str]) -> dict[str, str]:
        try:
            return await topic_ids(self._consumer._client, topics)
        except KafkaError:
            return {}

    async def _is_sure(self, tp: TopicPartition) -> bool:
        """Whether the fetched records follow those before; if not, they are fetched again."""
        if tp not in self._unsure:
            return True
        fetcher = self._consumer._fetcher
        assignment = fetcher._subscriptions.subscription.assignment
        state = assignment.state_value(tp) if assignment is not None else None
        if state is None or not state.has_valid_position:
            return False
        at = state.position
        self._unsure.discard(tp)
        try:
            offset = await self._offset_check.checked_offset(self, tp, at)
        except KafkaError as error:
            _log.warning("%s-%d cannot be checked (%s); retrying", *tp, type(error).__name__)
            offset = None
        if offset is None or not assignment.active:
            self._unsure.add(tp)
            return False
        if offset != at:
            self._last.pop(tp, None)
            self._moved.add(TP(*tp))
            fetcher.seek_to(tp, offset)
        return bool(offset == at)

    # looking up ------------------------------------------------------------------------------

    async def starts(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where partitions start."""
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(tps)
        return found

    async def ends(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where they end for readers of committed records."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(tps)
        return found

    async def mark_at(self, tp: TopicPartition, offset: int) -> RecordMark | None:
        """The mark of the first readable record at or after an offset; ``None`` without one."""
        raw, aborted = await self._raw(tp, offset)
        records = PartitionRecords(
            tp, MemoryRecords(raw), aborted, offset, None, None, True, READ_COMMITTED
        )
        try:
            return next((RecordMark.of(record) for record in records), None)
        except Exception as error:
            if is_local_fault(error):
                raise
            found = filter(is_record, recovered_records(tp, raw, aborted, offset))
            return next((RecordMark.of(record) for record in found), None)

    async def _raw(self, tp: TopicPartition, offset: int) -> tuple[bytes, Any]:
        """The bytes of the batch at an offset, and the aborted transactions."""
        client, problem = self._consumer._client, KafkaError()
        request = FetchRequest(
            0,
            1,
            2**31 - 1,
            READ_COMMITTED,
            [(tp.topic, [(tp.partition, offset, _ONE_BATCH_BYTES)])],
        )
        for _ in range(_TRIES):
            try:
                leader = client.cluster.leader_for_partition(tp)
                if leader is None or leader < 0:
                    raise LeaderNotAvailableError
                response = await self._send(leader, request)
                ((_, ((_, code, _, *rest),)),) = response.topics
                if code:
                    raise for_code(code)
                return bytes(rest[-1] or b""), rest[-2 - (response.API_VERSION >= 11)]
            except KafkaError as error:
                if not error.retriable:
                    raise
                problem = error
            client.force_metadata_update()
            await asyncio.sleep(_BACK_OFF_S)
        raise problem
