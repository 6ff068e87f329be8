# SPDX-License-Identifier: Apache-2.0
"""One message for each stage of a fetch, and the way to the thread in which aiokafka batches."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from stream.config.settings import load_settings
from stream.kafka.record_marks import RecordMark
from stream.worker.app import create_app
from stream.worker.consumer import BatchConsumer, BatchThread, by_stage
from stream.worker.dead_letter_breaker import SEEN_MIN, Floods
from stream.worker.in_flight import InFlight
from stream.worker.positions import Reached

OFFSETS = {TP("shadow.resolved", 0): 7}


def consumer_with(
    commit: Callable[[Mapping[TP, int]], Awaitable[bool]],
) -> tuple[BatchConsumer, asyncio.Event]:
    """A consumer with nothing but a thread, and the event which says that the thread has ended."""
    ended = asyncio.Event()

    async def commit_marked(offsets: Mapping[TP, int], marks: Mapping[TP, RecordMark]) -> bool:
        assert not marks
        return await commit(offsets)

    consumer = BatchConsumer.__new__(BatchConsumer)
    consumer._in_flight = InFlight()
    consumer.__dict__["_thread"] = SimpleNamespace(commit_marked=commit_marked, _shutdown=ended)
    return consumer, ended


async def never(offsets: Mapping[TP, int]) -> bool:
    await asyncio.Event().wait()
    return True


async def test_offsets_are_committed() -> None:
    seen = []

    async def commit(offsets: Mapping[TP, int]) -> bool:
        seen.append(offsets)
        return True

    consumer, ended = consumer_with(commit)
    assert await consumer._commit(OFFSETS)
    ended.set()
    assert not await consumer._commit(OFFSETS)
    assert seen == [OFFSETS]


async def test_a_thread_which_ends_meanwhile_is_not_waited_for() -> None:
    consumer, ended = consumer_with(never)
    committing = asyncio.create_task(consumer._commit(OFFSETS))
    await asyncio.sleep(0)
    ended.set()
    assert not await asyncio.wait_for(committing, 30)


async def test_a_failed_commit_is_reported() -> None:
    async def commit(offsets: Mapping[TP, int]) -> bool:
        raise ConnectionError

    consumer, _ = consumer_with(commit)
    with pytest.raises(ConnectionError):
        await consumer._commit(OFFSETS)


PAY, MINI = TP("wechat.pay", 0), TP("wechat.mini-program", 3)
LOG, LOG_1 = TP("shadow.resolved", 0), TP("shadow.resolved", 1)


def fetched(*offsets: int) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(offset=offset, timestamp=1_000, key=None, value=b"") for offset in offsets
    ]


def working(generation: int = 5) -> BatchConsumer:
    """A consumer as far as accounting goes."""
    consumer = BatchConsumer.__new__(BatchConsumer)
    app = SimpleNamespace(
        consumer_generation_id=generation, identify_stage=SimpleNamespace(floods=Floods(0.5))
    )
    consumer.app = app  # type: ignore[assignment]
    consumer._active_partitions, consumer._paused_partitions = {MINI, PAY}, set()
    consumer._in_flight = InFlight()
    consumer.__dict__["_thread"] = SimpleNamespace(
        log_fetcher=SimpleNamespace(log=lambda topic: "")
    )
    consumer._unacked_messages = set()
    consumer._waiting_for_ack = None
    consumer.assignment = lambda: {MINI, PAY}  # type: ignore[method-assign]
    return consumer


def delivered(consumer: BatchConsumer, records: dict[TP, list[SimpleNamespace]]) -> Any:
    message = consumer._to_message(next(iter(records)), cast(Any, records))
    consumer._unacked_messages.add(message)
    for batch in cast(Any, message.value):
        consumer._in_flight.deliver(batch)
    return message


def test_a_fetch_is_one_item_for_each_stage() -> None:
    records = {MINI: fetched(4), LOG: fetched(1, 2), PAY: fetched(7, 8), LOG_1: fetched(9)}
    assert by_stage(cast(Any, records), "shadow.resolved") == [
        {LOG: records[LOG], LOG_1: records[LOG_1]},
        {MINI: records[MINI], PAY: records[PAY]},
    ]
    assert by_stage({}, "shadow.resolved") == []


def test_a_message_carries_a_batch_of_each_partition() -> None:
    message = working()._to_message(MINI, cast(Any, {MINI: fetched(4, 6), PAY: fetched(7)}))
    assert (message.tp, message.offset) == (MINI, 6)
    assert [repr(batch) for batch in cast(Any, message.value)] == [
        "<Batch wechat.mini-program-3 4..6>",
        "<Batch wechat.pay-0 7..7>",
    ]


def test_all_its_batches_are_acknowledged_at_once() -> None:
    consumer = working()
    message = delivered(consumer, {MINI: fetched(4, 6), PAY: fetched(7)})
    assert consumer._new_offset(MINI) is None
    assert consumer.ack(message)
    assert (consumer._new_offset(MINI), consumer._new_offset(PAY)) == (7, 8)
    assert not consumer._unacked_messages
    assert not consumer.ack(message)


def test_what_is_withheld_is_not_acknowledged_and_its_partition_paused() -> None:
    consumer = working()
    floods: Floods = cast(Any, consumer.app).identify_stage.floods
    assert not floods.passes(PAY, [(n, True) for n in range(SEEN_MIN)])
    message = delivered(consumer, {MINI: fetched(4, 6), PAY: fetched(7)})
    withheld = cast(Any, message.value)[1]
    floods.withhold(withheld)

    assert consumer.ack(message)

    assert (consumer._new_offset(MINI), consumer._new_offset(PAY)) == (7, None)
    assert consumer._get_active_partitions() == {MINI}
    assert not consumer._unacked_messages

    assert floods.resume(PAY, 8) == [withheld]
    assert floods.settle(PAY)
    consumer.go_on(PAY, [withheld])

    assert consumer._new_offset(PAY) == 8
    assert consumer._get_active_partitions() == {MINI, PAY}


def test_a_partition_which_is_another_s_by_now_does_not_go_on_here() -> None:
    consumer = working()
    consumer.pause_partitions([PAY])
    consumer.assignment = lambda: {MINI}  # type: ignore[method-assign]
    consumer.go_on(PAY, [])
    assert consumer._get_active_partitions() == {MINI}


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, [MINI, PAY]), ({PAY}, [PAY]), ({"wechat.mini-program"}, [MINI]), ({LOG}, [])],
)
def test_a_commit_is_of_all_partitions_or_of_those_asked_for(asked: Any, found: list[TP]) -> None:
    consumer = working()
    delivered(consumer, {MINI: fetched(4), PAY: fetched(7)})
    assert list(consumer._filter_tps_with_pending_acks(asked)) == found


def test_batches_of_before_a_rebalance_are_not_committed() -> None:
    consumer = working(generation=5)
    late = delivered(consumer, {PAY: fetched(7)})
    consumer.app.consumer_generation_id = 6
    consumer._in_flight.forget()
    delivered(consumer, {PAY: fetched(7)})  # again, as it was fetched anew
    assert consumer.ack(late)
    assert consumer._new_offset(PAY) is None


async def test_after_a_seek_only_what_the_broker_knows_counts_as_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def seek_to_committed() -> dict[TP, int | None]:
        return {PAY: None, MINI: 4}

    consumer = working()
    monkeypatch.setattr(consumer, "seek_to_committed", seek_to_committed)
    consumer._read_offset, consumer._committed_offset = {}, defaultdict(lambda: None)
    consumer._committed_offset.update({PAY: 8, MINI: 7})  # of a commit which failed

    await consumer.perform_seek()

    assert consumer._should_commit(PAY, 8)
    assert consumer._should_commit(MINI, 7)
    assert not consumer._should_commit(MINI, 4)


async def test_what_a_rebalance_takes_away_while_positions_are_looked_for_is_left_out() -> None:
    assigned, sought = {PAY, MINI}, dict[TP, int]()

    async def fetch_committed_offsets(tps: list[TP]) -> dict[TP, OffsetAndMetadata]:
        return {tp: OffsetAndMetadata(4, "") for tp in tps}

    async def find(log: object, reached: Mapping[TP, Reached]) -> dict[TP, int]:
        assigned.remove(PAY)
        return {tp: reached[tp].next or 0 for tp in reached}

    async def look(topics: set[str]) -> None:
        assert topics == {PAY.topic, MINI.topic}

    thread = BatchThread.__new__(BatchThread)
    thread.__dict__["_consumer"] = SimpleNamespace(
        assignment=lambda: frozenset(assigned),
        _coordinator=SimpleNamespace(fetch_committed_offsets=fetch_committed_offsets),
        _fetcher=SimpleNamespace(seek_to=sought.__setitem__),
    )
    thread.__dict__["_positions"] = SimpleNamespace(reached=dict, find=find)
    thread.log_fetcher = cast(Any, SimpleNamespace(look=look, resume=lambda tps, marks: None))

    offsets, marks = await thread.resume()

    assert offsets == sought == {MINI: 4}
    assert not marks


async def test_a_fetch_waits_as_long_as_the_settings_say() -> None:
    settings = load_settings(
        {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "SHADOWPOINTS_REDIS_URL": "memory://",
            "SHADOWPOINTS_FETCH_WAIT_S": "0.25",
        }
    )
    thread = BatchThread.__new__(BatchThread)  # without the loop of a thread
    thread.app = app = create_app(settings)
    thread.consumer = cast(Any, SimpleNamespace(in_transaction=False))

    kafka = thread._create_worker_consumer(app.transport)

    assert kafka._fetch_max_wait_ms == 250
    assert (kafka._isolation_level, kafka._auto_offset_reset) == ("read_committed", "none")
    await kafka.stop()


async def test_what_was_fetched_goes_to_the_agents_whole_whatever_was_paused_meanwhile() -> None:
    consumer = working()
    consumer._resolved = "shadow.resolved"
    consumer._stopped = consumer._crashed = consumer.suspend_flow = cast(Any, asyncio.Event())
    consumer.flow_active = True
    thread = cast(Any, consumer._thread)
    thread.log_fetcher.taken_moves = set[TP]

    async def next_records(timeout_s: float) -> Any:
        consumer.pause_partitions([MINI])
        return {MINI: fetched(4), PAY: fetched(7)}, {MINI, PAY}

    consumer._wait_next_records = next_records  # type: ignore[method-assign,assignment]
    [(_, message)] = [item async for item in consumer.getmany(1.0)]

    assert [batch.topic for batch in message.value] == ["wechat.mini-program", "wechat.pay"]
