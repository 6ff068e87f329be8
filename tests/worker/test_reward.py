# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from stream.addressing.partitioning import entity_partition
from stream.addressing.topics import TopicNames
from stream.engine.model.facts import Fact
from stream.engine.model.messages import (
    TICK_TO,
    FactReceived,
    Message,
    Refuse,
    Tick,
    TransferIn,
    encode,
)
from stream.engine.model.state import OriginFacts, Posted
from stream.engine.model.touchpoints import Touchpoint
from stream.kafka.record_batches import Batch
from stream.process.worker_metrics import Metrics
from stream.rules.loader import load_rules
from stream.tables import Commit, Record
from stream.worker import partition_step as step
from stream.worker.in_process import LoggedRecord
from stream.worker.partition_step import EngineFailed
from stream.worker.reward import OwnershipLost, RewardStage
from tests.support.begun import tables_begun
from tests.worker.events import DAY_MS

PARTITIONS = 4
NOW_MS = 1_784_000_000_000
UNION = "union.abc-brand.u1"
HERE = entity_partition(UNION, PARTITIONS)


class Gone(Exception):
    """The process dies at this point."""


class World:
    """Tables and the output topics; workers come and go."""

    def __init__(self) -> None:
        self.tables = tables_begun(PARTITIONS, load_rules())
        self.published: list[Record] = []
        self.broken = False

    async def publish(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        if self.broken and records:
            raise Gone
        self.published += records

    def worker(self, metrics: Metrics | None = None) -> RewardStage:
        return RewardStage(
            self.tables,
            self.publish,
            partitions=PARTITIONS,
            namespace="test",
            owner="test",
            metrics=metrics,
        )

    async def pending(self) -> int:
        """How much output the tables hold; claims the partition to see it."""
        return len((await self.tables.claim([HERE], 99, "looking"))[HERE].pending)

    def ids(self, topic: str) -> list[bytes]:
        return [dict(r.headers)["ce_id"] for r in self.published if r.topic == topic]


async def working(metrics: Metrics | None = None) -> tuple[World, RewardStage]:
    """A world, and a worker which owns ``HERE`` in it."""
    world = World()
    worker = world.worker(metrics)
    await worker.claim([HERE], 1)
    return world, worker


def touch(number: int, points_at_ms: int = NOW_MS) -> FactReceived:
    key, fields = f"login:{number}", {"event_id": "class", "list_id": "l"}
    type_, id_ = "session.logged_in.v1", f"e{number}"
    return FactReceived(Fact(key, type_, id_, points_at_ms, Touchpoint.CHECK_IN, {**fields}))


def daily(count: int) -> list[FactReceived]:
    """A touch a day, the latest first."""
    return [touch(n, NOW_MS - n * DAY_MS) for n in range(count)]


def consent() -> FactReceived:
    return FactReceived(Fact("consent", "consent.granted.v1", "consent", NOW_MS - 40 * DAY_MS))


def log(*messages: Message | None, to: str = UNION, start: int = 0, gap: int = 0) -> Any:
    """Records of the resolved log; ``None`` is a tombstone, ``gap`` the offsets between two."""
    return [
        LoggedRecord(
            start + n * (gap + 1),
            NOW_MS + n,
            b"key-%d" % n,
            None
            if message is None
            else encode(TICK_TO if isinstance(message, Tick) else to, message),
        )
        for n, message in enumerate(messages)
    ]


def batch(records: Any, generation: int = 1, partition: int = HERE) -> Batch:
    return Batch("shadow.resolved", partition, records, generation)


async def test_what_is_applied_is_stored_and_published_once() -> None:
    world = World()
    worker = world.worker()
    assert await worker.claim([HERE], 1) == {HERE: 0}
    await worker.handle([batch(log(consent(), touch(1), touch(2)))])
    published = list(world.published)
    await worker.handle([batch(log(consent(), touch(1), touch(2)))])
    assert worker.next_offset(HERE) == 3
    assert published
    assert world.published == published
    assert await world.tables.counts([HERE]) == {"applied": 3}
    assert {dict(r.headers)["ce_source"] for r in published} == {b"urn:shadowpoints:test"}
    assert {dict(r.headers)["ce_subject"] for r in published} == {UNION.encode()}


async def test_cutting_a_batch_changes_nothing() -> None:
    records = log(consent(), *daily(30))
    whole, single = World(), World()
    for world, size in ((whole, 31), (single, 1)):
        worker = world.worker()
        await worker.claim([HERE], 1)
        for start in range(0, 31, size):
            await worker.handle([batch(records[start : start + size])])
    assert whole.published == single.published
    assert await whole.tables.entities(HERE) == await single.tables.entities(HERE)


async def test_too_much_for_one_commit_takes_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker which ends in between goes on where it was, and decides nothing else."""
    records = log(consent(), *(touch(n) for n in range(20)), None)
    whole, parts = World(), World()
    for world, cost in ((whole, 1000), (parts, 7)):
        monkeypatch.setattr(step, "STEP_COST_MAX", cost)
        worker = world.worker()
        await worker.claim([HERE], 1)
        if world is parts:
            handling = asyncio.ensure_future(worker.handle([batch(records)]))
            await begun(worker)
            handling.cancel()
            assert worker.next_offset(HERE) == 7
            worker = world.worker()
            assert await worker.claim([HERE], 2) == {HERE: 7}
        await worker.handle([batch(records, 2 if world is parts else 1)])
        assert worker.next_offset(HERE) == 22
    assert list(dict.fromkeys(parts.published)) == whole.published
    assert await parts.tables.entities(HERE) == await whole.tables.entities(HERE)


async def test_a_partition_with_much_work_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "STEP_COST_MAX", 1)
    world = World()
    worker, there = world.worker(), (HERE + 1) % PARTITIONS
    other = next(u for u in (f"union.b.{n}" for n in range(99)) if partition_of_entity(u) == there)
    await worker.claim([HERE, there], 1)
    much = asyncio.ensure_future(worker.handle([batch(log(*map(touch, range(200))))]))
    await begun(worker)
    await worker.handle([batch(log(touch(1), to=other), partition=there)])
    assert worker.next_offset(there) == 1
    assert not much.done()
    await much
    assert worker.next_offset(HERE) == 200


async def test_what_waits_is_dropped_with_its_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "STEP_COST_MAX", 1)
    _, worker = await working()
    handling = asyncio.ensure_future(worker.handle([batch(log(*map(touch, range(50))))]))
    await begun(worker)
    worker.release([HERE])
    await handling
    assert worker.owned == ()


async def begun(worker: RewardStage) -> None:
    """Until something is committed."""
    while worker.next_offset(HERE) == 0:  # noqa: ASYNC110  there is nothing to wait for but this
        await asyncio.sleep(0)


def partition_of_entity(key: str) -> int:
    return entity_partition(key, PARTITIONS)


async def test_a_batch_fetched_twice_in_one_group_is_applied_once() -> None:
    world, worker = await working()
    twice = [batch(log(consent(), *map(touch, some))) for some in ((1,), (1, 2))]
    await worker.handle(twice)
    assert await world.tables.counts([HERE]) == {"applied": 3}


async def test_batches_of_others_and_of_an_earlier_generation_are_dropped() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 2)
    other = (HERE + 1) % PARTITIONS
    await worker.handle([batch(log(touch(1)), 1), batch(log(touch(1)), 2, other)])
    assert worker.next_offset(HERE) == 0
    assert worker.next_offset(other) is None
    assert await world.tables.counts(range(PARTITIONS)) == {}


async def test_output_that_was_committed_and_not_published_is_published_by_the_next() -> None:
    world, calm = World(), World()
    worker, other = world.worker(), calm.worker()
    await worker.claim([HERE], 1)
    await other.claim([HERE], 1)
    await other.handle([batch(log(consent(), touch(1)))])
    world.broken = True

    with pytest.raises(Gone):
        await worker.handle([batch(log(consent(), touch(1)))])
    assert world.published == []
    world.broken = False
    successor = world.worker()

    assert await successor.claim([HERE], 2) == {HERE: 2}
    assert world.published == calm.published
    await successor.handle([batch(log(consent(), touch(1)), 2)])
    assert world.published == calm.published


async def test_a_zombie_stores_nothing_and_must_end() -> None:
    world, metrics = World(), Metrics()
    zombie = world.worker(metrics)
    await zombie.claim([HERE], 1)
    successor = world.worker()
    await successor.claim([HERE], 2)
    with pytest.raises(OwnershipLost):
        await zombie.handle([batch(log(touch(1)))])
    assert zombie.owned == ()
    assert world.published == []
    assert await world.tables.entities(HERE) == {}
    assert "shadowpoints_fenced_commits_total 1.0" in metrics.text().decode()
    assert await zombie.claim([HERE], 1) == {}


async def test_a_partition_without_traffic_notices_that_its_state_was_replaced() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent(), touch(1)))])
    await worker.check()
    await world.tables.claim([HERE], 1, "somebody else")
    with pytest.raises(OwnershipLost):
        await worker.check()
    assert worker.owned == ()


async def test_published_output_is_dropped_when_idle() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent(), touch(1)))])
    await worker.trim()
    await worker.trim()
    assert await world.pending() == 0


async def test_without_trimming_the_next_commit_drops_it() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent(), touch(1)))])
    before = len(world.published)
    await worker.handle([batch(log(touch(2), start=2))])
    assert await world.pending() == len(world.published) - before


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (LoggedRecord(0, NOW_MS, b"k", b"\xc1"), "no message"),
        (LoggedRecord(0, NOW_MS, b"k", encode("nobody", Refuse("x"))), "no entity"),
    ],
    ids=["no message", "no entity"],
)
async def test_what_no_engine_wrote_is_a_dead_letter(record: LoggedRecord, why: str) -> None:
    world, worker = await working()
    await worker.handle([batch([record, *log(consent(), start=1)])])
    dead = world.published[0]
    place = f"shadow.resolved-{HERE}@0".encode()
    assert (dead.topic, dead.key, dead.value) == ("shadow.dead-letters", place, record.value)
    assert dict(dead.headers)["__connect.errors.stage"] == b"reward"
    assert dict(dead.headers)["shadowpoints.key"] == b"k"
    assert await world.tables.counts([HERE]) == {"dead": 1, "applied": 1}


async def test_an_output_larger_than_its_topic_takes_is_a_dead_letter_and_the_rest_is_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(TopicNames, "bytes_max", lambda _, topic: 500 if "offers" in topic else 999)
    metrics = Metrics()
    world, worker = await working(metrics)

    await worker.handle([batch(log(consent(), *daily(30)))])

    assert await world.tables.counts([HERE]) == {"applied": 31}
    assert world.ids("shadow.ledger")
    assert not world.ids("shadow.offers")
    letters = [record for record in world.published if record.topic == "shadow.dead-letters"]
    assert letters
    for envelope in letters:
        headers = dict(envelope.headers)
        offset = headers["__connect.errors.offset"].decode()
        place = f"shadow.resolved-{HERE}@{offset}/{headers['ce_id'].decode()}"
        assert (envelope.key, envelope.value, envelope.partition) == (place.encode(), b"", HERE)
        assert headers["__connect.errors.exception.class.name"] == b"output_too_large"
        assert headers["__connect.errors.topic"] == b"shadow.resolved"
        assert b"shadow.offers takes" in headers["__connect.errors.exception.message"]
        assert headers["ce_type"].startswith(b"offer.")
        assert headers["ce_subject"] == UNION.encode()
    counted = f'dead_letters_total{{reason="output_too_large"}} {len(letters)}.0'
    assert counted in metrics.text().decode()


async def test_a_message_which_the_core_cannot_take_ends_the_worker_and_names_nobody() -> None:
    world, worker = await working()
    key = next(k for n in range(99) if entity_partition(k := f"tx.{n}", PARTITIONS) == HERE)
    attach = TransferIn("origin.a.b", 1, OriginFacts(), Posted(), "origin.a.b")
    with pytest.raises(EngineFailed) as failure:
        await worker.handle([batch([*log(consent()), *log(attach, to=key, start=1)])])
    assert f"shadow.resolved-{HERE} offset 1" in str(failure.value)
    assert "origin.a.b" not in str(failure.value)
    assert failure.value.__suppress_context__
    assert worker.next_offset(HERE) == 0
    assert await world.tables.entities(HERE) == {}


async def test_a_tick_settles_those_who_are_due_and_sees_what_came_before_it() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent(), *daily(20)))])
    due = await world.tables.next_due([HERE])
    later = max(due[HERE], NOW_MS) + 1
    tick = LoggedRecord(21, later, None, encode(TICK_TO, Tick(10)))
    await worker.handle([batch([tick])])
    assert worker.next_offset(HERE) == 22
    assert (await world.tables.next_due([HERE])).get(HERE, later + 1) > later


async def test_outputs_have_keys_of_their_own_and_stand_where_their_subject_belongs() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent(), *daily(20)))])
    outputs = [(r.topic, r.key) for r in world.published]
    assert {topic for topic, _ in outputs} == {"shadow.offers", "shadow.ledger"}
    assert len(set(outputs)) == len(outputs)
    assert all(r.key == dict(r.headers)["ce_id"] for r in world.published)
    assert {r.partition for r in world.published} == {HERE}


@pytest.mark.parametrize("size", [1, 2, 30])
async def test_a_log_with_tombstones_and_gaps_has_the_effect_of_what_is_left(size: int) -> None:
    touches = daily(12)
    whole, rest = World(), World()
    records = log(None, consent(), *touches, None, None, gap=6)
    kept = [record for record in records if record.value is not None]
    for world, of in ((whole, kept), (rest, records)):
        worker = world.worker()
        await worker.claim([HERE], 1)
        for start in range(0, len(of), size):
            await worker.handle([batch(of[start : start + size])])
        assert worker.next_offset(HERE) == of[-1].offset + 1

    assert rest.published == whole.published
    assert await rest.tables.entities(HERE) == await whole.tables.entities(HERE)
    assert await rest.tables.counts([HERE]) == {"applied": 13}
    assert await rest.tables.positions([HERE]) == {HERE: (2, records[-1].offset)}


async def test_tombstones_alone_move_the_offset_but_not_the_clock() -> None:
    world, worker = await working()
    await worker.handle([batch(log(consent()))])
    (before,) = (await world.tables.claim([HERE], 1, "looking")).values()
    await worker.claim([HERE], 1)
    metrics = Metrics()
    successor = world.worker(metrics)
    await successor.claim([HERE], 1)

    await successor.handle([batch(log(None, None, None, start=7))])

    (after,) = (await world.tables.claim([HERE], 1, "looking")).values()
    assert (after.applied_offset, after.clock_ms) == (9, before.clock_ms)
    assert 'records_total{stage="reward"} 0.0' in metrics.text().decode()
    assert await world.tables.counts([HERE]) == {"applied": 1}


async def test_a_commit_of_another_kind_is_not_mistaken_for_ours() -> None:
    world = World()
    worker = world.worker()
    claim = (await world.tables.claim([HERE], 1, "test"))[HERE]
    await world.tables.commit([Commit(HERE, claim.epoch, -1, 4, NOW_MS)])
    assert await worker.claim([HERE], 2) == {HERE: 5}
    await worker.handle([batch(log(consent(), touch(1)), 2)])
    assert worker.next_offset(HERE) == 5
