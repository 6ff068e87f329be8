# SPDX-License-Identifier: Apache-2.0
"""Faust's consumer, extended: one message per fetch and stage, and positions kept with the state.

Extensions of faust-streaming 0.15.3: the thread fetches records by ``stream.kafka.fetching`` and
commits the mark of the last one; ``getmany`` sorts a fetch by stage into batches; ``ack``,
``_filter_tps_with_pending_acks``, ``_new_offset`` and ``_commit`` account for them; rebalance
callbacks claim and release partitions; ``seek_to_committed`` prefers the tables' position to the
broker's. Faust's own filters by offset know single records and are not used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final, cast

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import TPorTopicSet
from mode import Service
from mode.utils.futures import notify

from stream.kafka.fetching import COMMITTED_ONLY, FetchedRecords, LogFetcher
from stream.kafka.record_batches import Batch, InputRecord
from stream.kafka.record_marks import RecordMark, text_of
from stream.worker.dead_letter_breaker import Floods, Place
from stream.worker.in_flight import InFlight
from stream.worker.positions import Positions, Reached
from stream.worker.reward import LogMismatch

#: How long a stopping worker waits for work in flight, which is either stored or repeated.
STOPPING_WAIT_S: Final = 3.0
_CLOSE_WAIT_S: Final = 5.0
#: A worker whose rebalance takes longer is treated as hanging.
REBALANCE_STUCK_S: Final = 60.0


class GroupBroken(Exception):
    """The consumer group has failed; the worker must end, and be started again."""


#: The records of one fetch for one stage: by partition, in order.
Fetched = dict[TP, list[InputRecord]]


def by_stage(records: Mapping[TP, list[InputRecord]], resolved: str) -> list[Fetched]:
    """Split a fetch by stage: Faust creates two tasks for each item."""
    reward = {tp: found for tp, found in records.items() if tp.topic == resolved}
    identify = {tp: found for tp, found in records.items() if tp.topic != resolved}
    return [stage for stage in (reward, identify) if stage]


class _NoOffsets(dict[TP, Any]):
    """Replaces Faust's read offsets, which do not fit a message of many partitions."""

    def __getitem__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        """Nothing is remembered."""


class BatchThread(driver.AIOKafkaConsumerThread):
    """The thread that runs aiokafka's consumer."""

    log_fetcher: LogFetcher

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no settings for these.
        app = cast(Any, self.app)
        consumer._fetch_max_wait_ms = int(app.settings.fetch_wait_s * 1000)
        consumer._isolation_level = COMMITTED_ONLY["isolation_level"]
        self._positions: Positions = app.positions
        self.log_fetcher = LogFetcher(consumer, self._positions)
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109
        max_records: int | None = None,
    ) -> Any:
        if not self.consumer.flow_active:
            return {}
        return await self.log_fetcher.records(active_partitions, timeout or 0.0, max_records or 1)

    async def on_thread_stop(self) -> None:
        """Leave the group at once, without waiting for brokers to close TLS connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WAIT_S):
                await super().on_thread_stop()

    async def resume(self) -> tuple[dict[TP, int], dict[TP, RecordMark]]:
        """Seek to where each assigned partition resumes; these offsets, and the marks before them.

        One request for all committed offsets: Faust's one per partition took 58 ms each. Partitions
        that a rebalance takes away meanwhile are left out.
        """
        consumer = self._ensure_consumer()
        assigned = list(consumer.assignment())
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)
        known = {TP(*tp): _reached(committed.get(tp)) for tp in assigned}
        reached = self._positions.reached(known)
        await self.log_fetcher.look({tp.topic for tp in assigned})
        found = await self._positions.find(self.log_fetcher, reached)
        still = consumer.assignment()
        offsets = {tp: offset for tp, offset in found.items() if tp in still}
        for tp, offset in offsets.items():
            consumer._fetcher.seek_to(TopicPartition(*tp), offset)
        marks = {
            tp: mark
            for tp, offset in offsets.items()
            if (mark := reached[tp].mark) and offset > mark.offset
        }
        self.log_fetcher.resume([TopicPartition(*tp) for tp in offsets], marks)
        return offsets, marks

    async def commit_marked(
        self, offsets: Mapping[TP, int], marks: Mapping[TP, RecordMark]
    ) -> bool:
        """Commit offsets, each with the mark of the record before it."""
        return bool(await self.call_thread(self._commit_marked, offsets, marks))

    async def _commit_marked(
        self, offsets: Mapping[TP, int], marks: Mapping[TP, RecordMark]
    ) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        try:
            await consumer.commit(
                {
                    TopicPartition(*tp): OffsetAndMetadata(offset, text_of(marks.get(tp)))
                    for tp, offset in offsets.items()
                    if tp in assigned
                }
            )
        except CommitFailedError as error:
            if "already rebalanced" in str(error):
                return False
            await self._end(error)
            return False
        except Exception as error:
            await self._end(error)
            return False
        self.tp_last_committed_at.update(dict.fromkeys(offsets, monotonic()))
        return True

    async def _end(self, error: Exception) -> None:
        await self.crash(
            GroupBroken(f"The source offsets cannot be committed: {type(error).__name__}")
        )


def _reached(committed: OffsetAndMetadata | None) -> Reached:
    if committed is None or committed.offset < 0:
        return Reached()
    return Reached(committed.offset, RecordMark.parse(committed.metadata or ""))


class BatchConsumer(driver.Consumer):
    """Delivers batches; the application is a :class:`stream.worker.app.ShadowApp`."""

    _thread: BatchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app = cast(Any, self.app)
        self._read_offset = _NoOffsets()
        self._resolved: str = app.settings.topics.resolved
        self._positions: Positions = app.positions
        self._rebalance_wait_s: float = 0.8 * app.settings.rebalance_timeout_s
        self._in_flight = InFlight()
        deliver = self.callback

        async def on_message(message: Any) -> None:
            for batch in message.value:
                self._in_flight.deliver(batch)
            await deliver(message)

        self.callback = on_message

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    # batches ------------------------------------------------------------------------------------

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """All that was fetched for each stage: positions have moved past all of it.

        Faust drops records of a partition that was paused meanwhile; here the records of other
        partitions would go with them.
        """
        try:
            records, _ = await self._wait_next_records(timeout)
        except LogMismatch as error:
            await self.app.crash(error)
            return
        self._read_again(self._thread.log_fetcher.taken_moves())
        if self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        generation = self.app.consumer_generation_id
        for stage in by_stage(cast(FetchedRecords, records), self._resolved):
            if self.suspend_flow.is_set() or self.app.consumer_generation_id != generation:
                return  # a rebalance: all will be fetched again
            first = next(iter(stage))
            yield first, self._to_message(first, stage)

    def _read_again(self, tps: set[TP]) -> None:
        """These partitions resumed at another offset, which may be an earlier one."""
        self._in_flight.forget(tps)
        for tp in tps:
            self._committed_offset.pop(tp, None)

    def _to_message(self, tp: TP, record: Fetched) -> ConsumerMessage:
        """A message with the batches of all partitions; Faust knows the first, ``ack`` all."""
        generation, last = self.app.consumer_generation_id, record[tp][-1]
        log = self._thread.log_fetcher.log
        batches = [
            Batch(at.topic, at.partition, found, generation, log(at.topic))
            for at, found in record.items()
        ]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            0,
            None,
            None,
            cast(Any, batches),
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    def ack(self, message: Message) -> bool:
        """Mark all batches of a message as done; those from before a rebalance come again.

        Batches withheld from a halted partition are not done. Faust resumes a paused partition
        after a rebalance, so it is paused again here whenever one comes.
        """
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        floods: Floods = cast(Any, self.app).identify_stage.floods
        for batch in cast(list[Batch], message.value):
            tp = TP(batch.topic, batch.partition)
            if floods.withholds(batch):
                self.pause_partitions([tp])
            elif batch.generation == self.app.consumer_generation_id:
                self._in_flight.done(batch)
        notify(self._waiting_for_ack)
        return True

    def go_on(self, place: Place, withheld: Iterable[Batch]) -> None:
        """Mark the withheld batches of a halted partition as done, and fetch more of it."""
        if (tp := TP(*place)) in self.assignment():
            for batch in withheld:
                if batch.generation == self.app.consumer_generation_id:
                    self._in_flight.done(batch)
            self.resume_partitions([tp])

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps are not accounted for: a batch knows its last offset."""

    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing: Faust would stop fetching for a second, and our queue is bounded."""

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        every = iter(self._in_flight)
        return (tp for tp in every if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._in_flight.take(tp)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit, unless the consumer's thread has ended or ends meanwhile.

        After a crash the thread stops by itself and never answers a pending call: the shutdown
        would wait for ever, and a supervisor restarts only workers that have ended.
        """
        ended = self._thread._shutdown
        if ended.is_set():
            return False
        found = {tp: self._in_flight.mark(tp) for tp in offsets}
        marks = {tp: mark for tp, mark in found.items() if mark is not None}
        tasks = committing, _ = (
            asyncio.ensure_future(self._thread.commit_marked(offsets, marks)),
            asyncio.ensure_future(ended.wait()),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return committing.done() and bool(committing.result())
        finally:
            for task in tasks:
                task.cancel()

    # positions -------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)  # waits for work in flight, commits it
        self._in_flight.forget(revoked)
        self._positions.release(revoked)
        cast(Any, self.app).identify_stage.floods.forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        # aiokafka would only log an exception, so the worker is ended here.
        try:
            await self._positions.claim(assigned, generation_id)
        except Exception as error:
            await self.app.crash(error)
            return
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        self._in_flight.forget()
        # Faust counts a failed commit as done, and would not repeat it.
        self._committed_offset.clear()
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        try:
            offsets, marks = await self._thread.call_thread(self._thread.resume)
        except LogMismatch as error:
            await self.app.crash(error)
            raise
        self._in_flight.resume(marks)
        return cast(Mapping[TP, int], offsets)

    # not hanging -----------------------------------------------------------------------------

    async def wait_empty(self) -> None:
        """Wait for work in flight, for a limited time: its agent may have died."""
        # Not asyncio.wait_for: Faust's wait_empty swallows the cancellation.
        patience_s = STOPPING_WAIT_S if self.app.should_stop else self._rebalance_wait_s
        timer = self.loop.call_later(patience_s, self._give_up_waiting)
        try:
            await super().wait_empty()
        finally:
            timer.cancel()

    def _give_up_waiting(self) -> None:
        self.log.error(
            "Gave up waiting for %d fetches; they are not committed and will come again",
            len(self._unacked_messages),
        )
        self._unacked_messages.clear()

    @Service.task
    async def _watch_group(self) -> None:
        """End the worker when aiokafka has given up on the group.

        aiokafka keeps the error until its user polls for it, which Faust never does.
        """
        since_s: float | None = None
        while not self.should_stop:
            await self.sleep(1.0)
            since_s = (since_s or monotonic()) if self.app.rebalancing else None
            problem = self._group_problem(since_s)
            if problem is not None and not self.app.should_stop:
                await self.app.crash(GroupBroken(problem))
                return

    def _group_problem(self, rebalancing_since_s: float | None) -> str | None:
        consumer = self._thread._consumer
        coordinator = getattr(consumer, "_coordinator", None)
        pending = getattr(coordinator, "_pending_exception", None)
        if pending is not None:
            return f"The consumer group is broken: {type(pending).__name__}"
        task = getattr(coordinator, "_coordination_task", None)
        if task is not None and task.done() and not task.cancelled():
            return "The consumer group is no longer coordinated"
        if rebalancing_since_s and monotonic() - rebalancing_since_s > REBALANCE_STUCK_S:
            return f"A rebalance has not ended within {REBALANCE_STUCK_S:g} s"
        return None


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = BatchConsumer
