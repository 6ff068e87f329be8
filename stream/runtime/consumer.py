"""Faust's consumer, with one message per fetch and stage, and positions kept with the state.

What is extended in faust-streaming 0.15.3: the scheduler sorts a fetch by stage, ``_to_message``
makes runs of it, ``ack``, ``_filter_tps_with_pending_acks``, ``_new_offset`` and ``_commit``
account for them, rebalance callbacks claim and release partitions, ``seek_to_committed`` prefers
the tables' position to the broker's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any, Final, cast

from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import TPorTopicSet
from mode import Service
from mode.utils.futures import notify

from stream.runtime.inflight import InFlight
from stream.runtime.positions import LogMismatch, Positions
from stream.runtime.runs import InputRecord, Run

#: A worker which ends does not wait longer for work in flight: it is stored or is repeated.
STOPPING_WAIT_S: Final = 3.0
#: A rebalance which takes longer is treated as a worker which hangs.
REBALANCE_STUCK_S: Final = 60.0


class GroupBroken(Exception):
    """The consumer group cannot be served any more; the worker ends and starts anew."""


#: Of one fetch, what is for one stage: by partition, the records in order.
Fetched = dict[TP, list[InputRecord]]


class StageScheduler(DefaultSchedulingStrategy):
    """Yields a fetch as one item for each stage: Faust makes two tasks for each on its way."""

    def __init__(self, resolved: str) -> None:
        self._resolved = resolved

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        identify: Fetched = {}
        reward: Fetched = {}
        for tp, fetched in records.items():
            (reward if tp.topic == self._resolved else identify)[tp] = fetched
        for stage in (reward, identify):
            if stage:
                yield next(iter(stage)), stage


class RunThread(driver.AIOKafkaConsumerThread):
    """Where aiokafka's consumer lives."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        wait_s: float = cast(Any, self.app).settings.fetch_wait_s
        consumer._fetch_max_wait_ms = int(wait_s * 1000)  # Faust has no setting for it
        return consumer


class RunConsumer(driver.Consumer):
    """Delivers runs; the application is a :class:`stream.app.ShadowApp`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app = cast(Any, self.app)
        self.scheduler = StageScheduler(app.settings.topics.resolved)
        self._positions: Positions = app.positions
        self._rebalance_wait_s: float = 0.8 * app.settings.rebalance_timeout_s
        self._in_flight = InFlight()
        deliver = self.callback

        async def on_message(message: Any) -> None:
            for run in message.value:
                self._in_flight.deliver(TP(run.topic, run.partition), run.last_offset)
            await deliver(message)

        self.callback = on_message

    def _new_consumer_thread(self) -> RunThread:
        return RunThread(self, loop=self.loop, beacon=self.beacon)

    # runs ------------------------------------------------------------------------------------

    def _to_message(self, tp: TP, record: Fetched) -> ConsumerMessage:
        """Of all partitions there are; Faust hears of the first, ``ack`` knows them all."""
        generation, last = self.app.consumer_generation_id, record[tp][-1]
        runs = [Run(at.topic, at.partition, found, generation) for at, found in record.items()]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            0,
            None,
            None,
            cast(Any, runs),
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    def ack(self, message: Message) -> bool:
        """All runs of a message are done; those of before a rebalance will come again."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        for run in cast(list[Run], message.value):
            if run.generation == self.app.consumer_generation_id:
                self._in_flight.done(TP(run.topic, run.partition), run.last_offset)
        notify(self._waiting_for_ack)
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """A run carries its own end; holes inside or before it need no account."""

    def on_buffer_full(self, tp: TP) -> None:
        """Stock Faust stops fetching and sleeps for a second; our bounded queue is enough."""

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        every = iter(self._in_flight)
        return (tp for tp in every if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._in_flight.take(tp)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit, unless the consumer's thread has ended or ends meanwhile.

        After a crash it stops by itself, and a call which it has not taken is never answered: the
        shutdown would wait for ever, and nobody would start a worker which has not ended.
        """
        ended = self._thread._shutdown
        if ended.is_set():
            return False
        tasks = committing, _ = (
            asyncio.ensure_future(super()._commit(offsets)),
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

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        # An exception here would only be logged by aiokafka, so it has to end the worker itself.
        try:
            await self._positions.claim(assigned, generation_id)
        except Exception as error:
            await self.app.crash(error)
            return
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        self._in_flight.forget()
        # Faust takes a commit for done which failed, and would not commit that far again.
        self._committed_offset.clear()
        await super().perform_seek()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        offsets: dict[TP, int] = await self._thread.call_thread(self._seek_to_committed)
        try:
            positions = await self._positions.find(self, offsets)
        except LogMismatch as error:
            await self.app.crash(error)
            raise
        for tp, offset in positions.items():
            await self._seek(tp, offset)
            offsets[tp] = offset
        return offsets

    async def _seek_to_committed(self) -> dict[TP, int | None]:
        """Runs in the consumer's thread. One request: stock's one per partition took 58 ms each."""
        consumer = self._thread._ensure_consumer()
        assigned = list(consumer.assignment())
        committed = await consumer._coordinator.fetch_committed_offsets(assigned)
        offsets: dict[TP, int | None] = {}
        for tp in assigned:
            offset = committed[tp].offset if tp in committed else -1
            offsets[TP(tp.topic, tp.partition)] = offset if offset >= 0 else None
            if offset >= 0:
                consumer._fetcher.seek_to(tp, offset)
        return offsets

    # not hanging -----------------------------------------------------------------------------

    async def wait_empty(self) -> None:
        """Wait for work in flight, but not for ever: an agent may have died with it."""
        # Not asyncio.wait_for: stock wait_empty swallows the cancellation.
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
        """End the worker when aiokafka has given up on the group: it tells nobody who listens.

        Its coordination parks itself until the user polls the error, which Faust never does.
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


class RunTransport(driver.Transport):
    """aiokafka with our consumer."""

    Consumer = RunConsumer
