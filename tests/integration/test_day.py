# SPDX-License-Identifier: Apache-2.0
"""A generated day on a real broker and a real Redis equals the quiet run in memory."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime, timedelta, timezone
from functools import partial
from random import Random
from typing import Any

import orjson
import pytest

from stream.brand.directory import load_apps
from stream.demo.day import Day, generate, yesterday
from stream.engine.model.decision import Channel
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.integration.cluster import Cluster, Read, Source
from tests.services.kafka import KafkaServer
from tests.support.snapshot import Snapshot, snapshot

pytestmark = pytest.mark.integration

#: 100,000 is what the promise is shown with; a smaller number helps while developing.
EVENTS = int(os.environ.get("DAY_EVENTS", "100000"))
BOOK = load_rules(None)


def sample_day(events: int) -> Day:
    today = datetime.now(timezone(timedelta(hours=8))).date()
    return generate(seed=7, consumers=events // 10, events=events, day=yesterday(today))


def sources(day: Day) -> list[Source]:
    return [(r.topic, r.key, r.value, r.headers) for r in day.records]


def quiet_run(day: Day, as_of: int) -> Snapshot:
    """The same engine in memory, in order, every record once."""
    engine = LocalEngine(BOOK, load_apps(None), partitions=4)
    for record in day.records:
        engine.publish(record.topic, record.key, record.value, record.headers, as_of)
    engine.settle()
    return snapshot(engine.entities(), BOOK, as_of)


def has_applied(cluster: Cluster, records: float) -> bool:
    return sum(cluster.applied()) > records


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.mark.timeout(420)
async def test_a_day_in_any_order_with_workers_killed(cluster: Cluster) -> None:
    """Shuffled over all partitions, every fifth twice, two workers, three ``kill -9``."""
    random = Random(11)
    day = sample_day(EVENTS)
    published = sources(day)
    published += random.sample(published, len(published) // 5)
    random.shuffle(published)
    await cluster.publish(published, random)

    started = time.monotonic()
    workers = [cluster.start_worker(), cluster.start_worker()]
    for quarter in (1, 2, 3):
        enough = quarter * len(published) * 1.1 / 4
        await cluster.until(partial(has_applied, cluster, enough), 120, "the workers do not get on")
        cluster.kill_worker(workers.pop(0))
        workers.append(cluster.start_worker())
    await cluster.settled(240)
    print(f"{len(published)} records in {time.monotonic() - started:.0f} s, three kills included")
    cluster.stop_workers()

    as_of = now_ms()
    real = snapshot(await cluster.entities(), BOOK, as_of)
    quiet = quiet_run(day, as_of)
    assert real.binds == quiet.binds
    assert real.balances == quiet.balances
    assert real.payouts == quiet.payouts
    assert real.live == quiet.live
    assert quiet.live
    assert quiet.payouts
    await outputs_are_sound(cluster, real, day)


async def outputs_are_sound(cluster: Cluster, real: Snapshot, day: Day) -> None:
    """Repeated output has identical bytes, and the ledger adds up to the balances."""
    entries = once(await cluster.read_channel(Channel.LEDGER))
    totals: dict[str, int] = {}
    for entry in entries.values():
        totals[entry["consumer_id"]] = totals.get(entry["consumer_id"], 0) + entry["points"]
    assert {key: points for key, points in totals.items() if points} == real.balances
    offers = once(await cluster.read_channel(Channel.OFFERS))
    paid: dict[tuple[str, str], int] = {}
    for event in offers.values():
        if "enrolled_at" in event:
            to = (event["consumer_id"], event["member_id"])
            paid[to] = paid.get(to, 0) + event["points"]
    assert {to: points for to, points in merged(paid, real).items() if points} == merged(
        real.payouts, real
    )
    dead = {
        (
            r.headers["__connect.errors.topic"],
            r.headers["__connect.errors.partition"],
            r.headers["__connect.errors.offset"],
        ): r.value
        for r in await cluster.dead_letters()
    }
    assert set(dead.values()) == {r.value for r in day.records if r.kind.startswith("bad")}


def merged(paid: dict[tuple[str, str], int], real: Snapshot) -> dict[tuple[str, str], int]:
    """Payouts by whom they belong to in the end: an origin's went along when it was bound."""
    found: dict[tuple[str, str], int] = {}
    for (consumer, member), points in paid.items():
        to = (real.binds.get(consumer, consumer), member)
        found[to] = found.get(to, 0) + points
    return found


def once(records: list[Read]) -> dict[str, dict[str, Any]]:
    """Each output once, by id; all copies of one must have the same bytes."""
    values: dict[str, tuple[bytes | None, bytes | None, dict[str, bytes]]] = {}
    for record in records:
        content = (record.key, record.value, record.headers)
        assert values.setdefault(record.id, content) == content
    return {id_: orjson.loads(value or b"{}") for id_, (_, value, _) in values.items()}


@pytest.mark.timeout(600)
async def test_redis_lost_half_way_replays_to_the_identical_ledger(cluster: Cluster) -> None:
    day = sample_day(8_000)
    half = len(day.records) // 2
    await cluster.publish(sources(day)[:half])
    worker = cluster.start_worker()
    await cluster.settled()
    cluster.stop_worker(worker)
    before = {c: once(await cluster.read_channel(c)) for c in Channel}
    state = await cluster.entities()

    cluster.wipe_redis()
    worker = cluster.start_worker()
    await cluster.settled()
    assert {c: once(await cluster.read_channel(c)) for c in Channel} == before
    assert await cluster.entities() == state

    await cluster.publish(sources(day)[half:])
    await cluster.settled()
    cluster.stop_workers()
    as_of = now_ms()
    assert snapshot(await cluster.entities(), BOOK, as_of) == quiet_run(day, as_of)


@pytest.mark.timeout(600)
async def test_a_replay_gives_equal_balances(cluster: Cluster, kafka_server: KafkaServer) -> None:
    """Without Redis *and* without the resolved log: offsets to the start, and once more."""
    day = sample_day(8_000)
    await cluster.publish(sources(day), Random(3))
    worker = cluster.start_worker()
    await cluster.settled()
    cluster.stop_worker(worker)
    as_of = now_ms()
    before = snapshot(await cluster.entities(), BOOK, as_of)

    cluster.wipe_redis()
    await cluster.forget_resolved()
    await asyncio.to_thread(
        kafka_server.java,
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        *("--bootstrap-server", cluster.bootstrap, "--group", cluster.namespace),
        *("--reset-offsets", "--to-earliest", "--all-topics", "--execute"),
    )
    cluster.start_worker()
    await cluster.settled()
    cluster.stop_workers()
    assert snapshot(await cluster.entities(), BOOK, as_of) == before
