"""One message for each stage of a fetch, and the way to the thread in which aiokafka runs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from stream.app import create_app
from stream.runtime.consumer import RunConsumer, RunThread, StageScheduler
from stream.runtime.inflight import InFlight
from stream.settings import load_settings

OFFSETS = {TP("shadow.resolved", 0): 7}


def consumer_with(
    commit: Callable[[Mapping[TP, int]], Awaitable[bool]],
) -> tuple[RunConsumer, asyncio.Event]:
    """A consumer with nothing but a thread, and the event which says that the thread has ended."""
    ended = asyncio.Event()
    consumer = RunConsumer.__new__(RunConsumer)
    consumer.__dict__["_thread"] = SimpleNamespace(commit=commit, _shutdown=ended)
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
    assert not await asyncio.wait_for(committing, 1)


async def test_a_failed_commit_is_told() -> None:
    async def commit(offsets: Mapping[TP, int]) -> bool:
        raise ConnectionError

    consumer, _ = consumer_with(commit)
    with pytest.raises(ConnectionError):
        await consumer._commit(OFFSETS)


PAY, MINI = TP("wechat.pay", 0), TP("wechat.mini-program", 3)
LOG, LOG_1 = TP("shadow.resolved", 0), TP("shadow.resolved", 1)


def fetched(*offsets: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(offset=offset, timestamp=1_000) for offset in offsets]


def working(generation: int = 5) -> RunConsumer:
    """A consumer as far as accounting goes."""
    consumer = RunConsumer.__new__(RunConsumer)
    consumer.app = SimpleNamespace(consumer_generation_id=generation)  # type: ignore[assignment]
    consumer._in_flight = InFlight()
    consumer._unacked_messages = set()
    consumer._waiting_for_ack = None
    return consumer


def delivered(consumer: RunConsumer, records: dict[TP, list[SimpleNamespace]]) -> Any:
    message = consumer._to_message(next(iter(records)), cast(Any, records))
    consumer._unacked_messages.add(message)
    for tp, found in records.items():
        consumer._in_flight.deliver(tp, found[-1].offset)
    return message


def test_a_fetch_is_one_item_for_each_stage() -> None:
    records = {MINI: fetched(4), LOG: fetched(1, 2), PAY: fetched(7, 8), LOG_1: fetched(9)}

    found = list(StageScheduler("shadow.resolved").iterate(records))

    assert found == [
        (LOG, {LOG: records[LOG], LOG_1: records[LOG_1]}),
        (MINI, {MINI: records[MINI], PAY: records[PAY]}),
    ]
    assert next(StageScheduler("shadow.resolved").iterate({PAY: fetched(1)}))[0] == PAY
    assert list(StageScheduler("shadow.resolved").iterate({})) == []


def test_a_message_carries_a_run_of_each_partition() -> None:
    message = working()._to_message(MINI, cast(Any, {MINI: fetched(4, 6), PAY: fetched(7)}))

    assert (message.tp, message.offset) == (MINI, 6)
    assert [repr(run) for run in cast(Any, message.value)] == [
        "<Run wechat.mini-program-3 4..6>",
        "<Run wechat.pay-0 7..7>",
    ]


def test_all_its_runs_are_acknowledged_at_once() -> None:
    consumer = working()
    message = delivered(consumer, {MINI: fetched(4, 6), PAY: fetched(7)})
    assert consumer._new_offset(MINI) is None

    assert consumer.ack(message)

    assert (consumer._new_offset(MINI), consumer._new_offset(PAY)) == (7, 8)
    assert not consumer._unacked_messages
    assert not consumer.ack(message)


@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, [MINI, PAY]), ({PAY}, [PAY]), ({"wechat.mini-program"}, [MINI]), ({LOG}, [])],
)
def test_a_commit_is_of_all_partitions_or_of_those_it_is_asked_for(
    asked: Any, found: list[TP]
) -> None:
    consumer = working()
    delivered(consumer, {MINI: fetched(4), PAY: fetched(7)})

    assert list(consumer._filter_tps_with_pending_acks(asked)) == found


def test_runs_of_before_a_rebalance_are_not_committed() -> None:
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


async def test_a_fetch_waits_as_long_as_the_settings_say() -> None:
    settings = load_settings(
        {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "SHADOWPOINTS_REDIS_URL": "memory://",
            "SHADOWPOINTS_FETCH_WAIT_S": "0.25",
        }
    )
    thread = RunThread.__new__(RunThread)  # without the loop of a thread
    thread.app = app = create_app(settings)
    thread.consumer = cast(Any, SimpleNamespace(in_transaction=False))

    kafka = thread._create_worker_consumer(app.transport)

    assert kafka._fetch_max_wait_ms == 250
    await kafka.stop()
