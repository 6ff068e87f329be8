# SPDX-License-Identifier: Apache-2.0
"""``ce_sequence`` on output: what a consumer needs to keep one number for each partition."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from stream.addressing.partitioning import entity_partition
from stream.engine.model.decision import Channel
from stream.engine.model.messages import Disown, FactReceived, Message, Tick, encode
from stream.kafka.encode import sequence_of
from stream.kafka.record_batches import Batch
from stream.tables import MemoryTables, Record, Tables
from stream.tables.redis import RedisTables
from stream.worker.in_process import LoggedRecord
from stream.worker.reward import RewardStage
from tests.engine.build import enrolment, login, purchase
from tests.support.begun import begin
from tests.support.books import BOOK, DAY, START

PARTITIONS = 4
MEI = "union.brand.uMei"
HERE = entity_partition(MEI, PARTITIONS)
LI = next(
    key
    for key in (f"union.brand.uLi{n}" for n in range(99))
    if entity_partition(key, PARTITIONS) == HERE
)
TOPICS = {f"shadow.{channel}" for channel in Channel}


class Gone(Exception):
    """The process dies at this point."""


class World:
    """Output topics, and workers on tables which outlive them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.published: list[Record] = []
        self.dies_after: int | None = None  # so many records more are published

    async def publish(self, records: Sequence[Record]) -> None:
        published = records if self.dies_after is None else records[: self.dies_after]
        self.published += published
        if len(published) < len(records):
            raise Gone

    async def worker(self, generation: int) -> RewardStage:
        worker = RewardStage(
            self.tables, self.publish, partitions=PARTITIONS, namespace="test", owner="test"
        )
        await worker.claim([HERE], generation)
        return worker

    @property
    def events(self) -> list[Record]:
        """What readers see, in order."""
        return [record for record in self.published if record.topic in TOPICS]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
async def world(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[World]:
    tables: Tables = MemoryTables(PARTITIONS)
    if request.param == "redis":
        tables = RedisTables(request.getfixturevalue("redis_url"), namespace, PARTITIONS)
    await tables.open()
    await begin(tables, PARTITIONS, BOOK)
    yield World(tables)
    await tables.close()


def log(*messages: tuple[str, Message], start: int = 0) -> list[LoggedRecord]:
    return [
        LoggedRecord(start + n, START + DAY + n, b"k%d" % (start + n), encode(to, message))
        for n, (to, message) in enumerate(messages)
    ]


def paid(to: str, number: int, fen: int = 9_000) -> tuple[str, Message]:
    return to, FactReceived(purchase(f"t{number}", fen, START + number, f"e{number}"))


LOG = log(
    paid(MEI, 1),
    (MEI, FactReceived(login(START + 1))),
    paid(LI, 2),
    (LI, FactReceived(login(START + 2, "l2"))),
    paid(MEI, 3),
    (LI, FactReceived(enrolment(time=START + DAY))),
    ("tick", Tick(100)),
    paid(LI, 4),
)


def batch(records: Any, generation: int = 1) -> Batch:
    return Batch("shadow.resolved", HERE, records, generation)


def sequences(records: Sequence[Record]) -> list[str]:
    return [dict(record.headers)["ce_sequence"].decode() for record in records]


def deduplicated(records: Sequence[Record]) -> list[Record]:
    """As a consumer does it: one number for each partition of each topic."""
    seen: dict[tuple[str, int | None], str] = {}
    new = []
    for record in records:
        place, (sequence,) = (record.topic, record.partition), sequences([record])
        if sequence > seen.get(place, ""):
            seen[place] = sequence
            new.append(record)
    return new


async def test_the_sequence_rises_over_all_topics_and_names_the_cause(world: World) -> None:
    worker = await world.worker(1)
    await worker.handle([batch(LOG)])
    found = sequences(world.events)
    assert found == sorted(set(found))
    assert [int(one) for one in found] == sorted(map(int, found))
    offsets = [int(one[:12]) for one in found]
    assert {o for o, m in enumerate(LOG) if m.offset == o} >= set(offsets)
    assert [int(one[12:]) for one in found if int(one[:12]) == 5] == [0, 1, 2]
    assert {record.topic for record in world.events} >= {"shadow.offers", "shadow.ledger"}


async def test_output_is_in_the_partition_of_its_cause(world: World) -> None:
    worker = await world.worker(1)
    await worker.handle([batch(LOG)])
    assert {record.partition for record in world.events} == {HERE}


@pytest.mark.parametrize("dies_after", range(8))
async def test_a_crash_before_publishing_repeats_it_all(world: World, dies_after: int) -> None:
    calm = World(MemoryTables(PARTITIONS))
    await begin(calm.tables, PARTITIONS, BOOK)
    await (await calm.worker(1)).handle([batch(LOG)])
    worker = await world.worker(1)
    world.dies_after = dies_after
    with pytest.raises(Gone):
        await worker.handle([batch(LOG)])
    world.dies_after = None
    successor = await world.worker(2)
    await successor.handle([batch(LOG, 2)])
    assert len(world.events) == len(calm.events) + dies_after
    assert deduplicated(world.events) == calm.events


async def test_an_emptied_store_repeats_the_sequence_despite_an_erasure(world: World) -> None:
    """What the log no longer has moves no number of what is still there."""
    await (await world.worker(1)).handle([batch(LOG)])
    anew = World(MemoryTables(PARTITIONS))
    await begin(anew.tables, PARTITIONS, BOOK)
    left = [
        replace(record, value=None) if b"uMei" in (record.value or b"") else record
        for record in LOG
    ]
    more = log(("tick", Tick(100)), paid(LI, 5), (LI, Disown(MEI, START)), start=len(LOG))
    await (await anew.worker(1)).handle([batch([*left, *more])])
    of_li = [r for r in world.events if dict(r.headers)["ce_subject"] == LI.encode()]
    assert anew.events[: len(of_li)] == of_li
    new = deduplicated([*world.events, *anew.events])
    assert new == [*world.events, *anew.events[len(of_li) :]]
    assert len(anew.events) > len(of_li)


def test_a_sequence_orders_as_text_and_as_a_number() -> None:
    places = [(0, 0), (0, 1), (0, 10), (1, 0), (9, 9_999_999), (10, 0), (900_000_000_000, 0)]
    texts = [sequence_of(*place) for place in places]
    assert texts == sorted(texts)
    assert [*map(int, texts)] == sorted(map(int, texts))
    assert {len(text) for text in texts} == {19}
    assert int(texts[-1]) < 2**63
