from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from stream.engine.facts import Fact
from stream.engine.messages import TICK_TO, Arrived, Attach, Message, Refuse, Tick, encode
from stream.engine.state import Posted, Strand
from stream.engine.touchpoints import Touchpoint
from stream.local import LoggedRecord
from stream.rules.loader import load_rules
from stream.runtime.metrics import Metrics
from stream.runtime.partitioning import entity_partition
from stream.runtime.rewarder import OwnershipLost, Rewarder
from stream.runtime.runs import Run
from stream.runtime.step import EngineFailed
from stream.tables import Commit, MemoryTables, Record
from tests.runtime.events import DAY_MS

PARTITIONS = 4
NOW_MS = 1_784_000_000_000
UNION = "union.abc-brand.u1"
HERE = entity_partition(UNION, PARTITIONS)


class Gone(Exception):
    """The process dies at this point."""


class World:
    """Tables and the output topics; workers come and go."""

    def __init__(self) -> None:
        self.tables = MemoryTables(PARTITIONS)
        self.published: list[Record] = []
        self.broken = False

    async def publish(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        if self.broken and records:
            raise Gone
        self.published += records

    def worker(self, metrics: Metrics | None = None) -> Rewarder:
        return Rewarder(
            self.tables,
            load_rules(),
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


def touch(number: int, points_at_ms: int = NOW_MS) -> Arrived:
    fact = Fact(
        f"login:{number}",
        "session.logged_in.v1",
        f"e{number}",
        points_at_ms,
        Touchpoint.CHECK_IN,
        {"event_id": "class", "list_id": "l"},
    )
    return Arrived(fact)


def consent() -> Arrived:
    return Arrived(Fact("consent", "consent.granted.v1", "consent", NOW_MS - 40 * DAY_MS))


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


def run(records: Any, generation: int = 1, partition: int = HERE) -> Run:
    return Run("shadow.resolved", partition, records, generation)


async def test_what_is_applied_is_stored_and_published_once() -> None:
    world = World()
    worker = world.worker()

    assert await worker.claim([HERE], 1) == {HERE: 0}
    await worker.handle([run(log(consent(), touch(1), touch(2)))])
    published = list(world.published)
    await worker.handle([run(log(consent(), touch(1), touch(2)))])

    assert worker.next_offset(HERE) == 3
    assert published
    assert world.published == published
    assert await world.tables.counts([HERE]) == {"applied": 3}
    assert {dict(r.headers)["ce_source"] for r in published} == {b"urn:shadowpoints:test"}
    assert {dict(r.headers)["ce_subject"] for r in published} == {UNION.encode()}


async def test_cutting_a_run_changes_nothing() -> None:
    records = log(consent(), *(touch(n, NOW_MS - n * DAY_MS) for n in range(30)))
    whole, single = World(), World()
    for world, size in ((whole, 31), (single, 1)):
        worker = world.worker()
        await worker.claim([HERE], 1)
        for start in range(0, 31, size):
            await worker.handle([run(records[start : start + size])])

    assert whole.published == single.published
    assert await whole.tables.entities(HERE) == await single.tables.entities(HERE)


async def test_a_run_fetched_twice_in_one_group_is_applied_once() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)

    await worker.handle([run(log(consent(), touch(1))), run(log(consent(), touch(1), touch(2)))])

    assert await world.tables.counts([HERE]) == {"applied": 3}


async def test_runs_of_others_and_of_an_earlier_generation_are_dropped() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 2)

    other = (HERE + 1) % PARTITIONS
    await worker.handle([run(log(touch(1)), 1), run(log(touch(1)), 2, other)])

    assert worker.next_offset(HERE) == 0
    assert worker.next_offset(other) is None
    assert await world.tables.counts(range(PARTITIONS)) == {}


async def test_output_that_was_committed_and_not_published_is_published_by_the_next() -> None:
    world, calm = World(), World()
    worker, other = world.worker(), calm.worker()
    await worker.claim([HERE], 1)
    await other.claim([HERE], 1)
    await other.handle([run(log(consent(), touch(1)))])
    world.broken = True

    with pytest.raises(Gone):
        await worker.handle([run(log(consent(), touch(1)))])
    assert world.published == []
    world.broken = False
    successor = world.worker()

    assert await successor.claim([HERE], 2) == {HERE: 2}
    assert world.published == calm.published
    await successor.handle([run(log(consent(), touch(1)), 2)])
    assert world.published == calm.published


async def test_a_zombie_stores_nothing_and_must_end() -> None:
    world, metrics = World(), Metrics()
    zombie = world.worker(metrics)
    await zombie.claim([HERE], 1)
    heir = world.worker()
    await heir.claim([HERE], 2)

    with pytest.raises(OwnershipLost):
        await zombie.handle([run(log(touch(1)))])

    assert zombie.owned == ()
    assert world.published == []
    assert await world.tables.entities(HERE) == {}
    assert "shadowpoints_fenced_commits_total 1.0" in metrics.text().decode()
    assert await zombie.claim([HERE], 1) == {}


async def test_a_partition_without_traffic_notices_that_its_state_was_replaced() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    await worker.handle([run(log(consent(), touch(1)))])
    await worker.check()
    await world.tables.claim([HERE], 1, "somebody else")

    with pytest.raises(OwnershipLost):
        await worker.check()
    assert worker.owned == ()


async def test_published_output_is_dropped_when_idle() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    await worker.handle([run(log(consent(), touch(1)))])

    await worker.trim()
    await worker.trim()

    assert await world.pending() == 0


async def test_without_trimming_the_next_commit_drops_it() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    await worker.handle([run(log(consent(), touch(1)))])
    before = len(world.published)

    await worker.handle([run(log(touch(2), start=2))])

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
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)

    await worker.handle([run([record, *log(consent(), start=1)])])

    dead = world.published[0]
    place = f"shadow.resolved-{HERE}@0".encode()
    assert (dead.topic, dead.key, dead.value) == ("shadow.dead-letters", place, record.value)
    assert dict(dead.headers)["__connect.errors.stage"] == b"reward"
    assert dict(dead.headers)["shadowpoints.key"] == b"k"
    assert await world.tables.counts([HERE]) == {"dead": 1, "applied": 1}


async def test_a_message_which_the_core_cannot_take_ends_the_worker_and_names_nobody() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    key = next(k for n in range(99) if entity_partition(k := f"tx.{n}", PARTITIONS) == HERE)
    attach = Attach("origin.a.b", 1, Strand(), Posted(), "origin.a.b")

    with pytest.raises(EngineFailed) as failure:
        await worker.handle([run([*log(consent()), *log(attach, to=key, start=1)])])

    assert f"shadow.resolved-{HERE} offset 1" in str(failure.value)
    assert "origin.a.b" not in str(failure.value)
    assert failure.value.__suppress_context__
    assert worker.next_offset(HERE) == 0
    assert await world.tables.entities(HERE) == {}


async def test_a_tick_settles_those_who_are_due_and_sees_what_came_before_it() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    await worker.handle([run(log(consent(), *(touch(n, NOW_MS - n * DAY_MS) for n in range(20))))])
    due = await world.tables.next_due([HERE])
    later = max(due[HERE], NOW_MS) + 1
    tick = LoggedRecord(21, later, None, encode(TICK_TO, Tick(10)))

    await worker.handle([run([tick])])

    assert worker.next_offset(HERE) == 22
    assert (await world.tables.next_due([HERE])).get(HERE, later + 1) > later


async def test_outputs_have_keys_of_their_own_and_stand_where_their_subject_belongs() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)

    await worker.handle([run(log(consent(), *(touch(n, NOW_MS - n * DAY_MS) for n in range(20))))])

    outputs = [(r.topic, r.key) for r in world.published]
    assert {topic for topic, _ in outputs} == {"shadow.offers", "shadow.ledger"}
    assert len(set(outputs)) == len(outputs)
    assert all(r.key == dict(r.headers)["ce_id"] for r in world.published)
    assert {r.partition for r in world.published} == {HERE}


@pytest.mark.parametrize("size", [1, 2, 30])
async def test_a_log_with_tombstones_and_gaps_has_the_effect_of_what_is_left(size: int) -> None:
    touches = [touch(n, NOW_MS - n * DAY_MS) for n in range(12)]
    whole, rest = World(), World()
    records = log(None, consent(), *touches, None, None, gap=6)
    kept = [record for record in records if record.value is not None]
    for world, of in ((whole, kept), (rest, records)):
        worker = world.worker()
        await worker.claim([HERE], 1)
        for start in range(0, len(of), size):
            await worker.handle([run(of[start : start + size])])
        assert worker.next_offset(HERE) == of[-1].offset + 1

    assert rest.published == whole.published
    assert await rest.tables.entities(HERE) == await whole.tables.entities(HERE)
    assert await rest.tables.counts([HERE]) == {"applied": 13}
    assert await rest.tables.positions([HERE]) == {HERE: (1, records[-1].offset)}


async def test_tombstones_alone_move_the_offset_but_not_the_clock() -> None:
    world = World()
    worker = world.worker()
    await worker.claim([HERE], 1)
    await worker.handle([run(log(consent()))])
    (before,) = (await world.tables.claim([HERE], 1, "looking")).values()
    await worker.claim([HERE], 1)
    metrics = Metrics()
    successor = world.worker(metrics)
    await successor.claim([HERE], 1)

    await successor.handle([run(log(None, None, None, start=7))])

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
    await worker.handle([run(log(consent(), touch(1)), 2)])

    assert worker.next_offset(HERE) == 5
