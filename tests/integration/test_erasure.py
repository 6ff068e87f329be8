# SPDX-License-Identifier: Apache-2.0
"""Somebody is erased by command; then no byte of her is on the disks of Kafka and Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import redis
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.rules.loader import load_rules
from tests.conftest import unavailable
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.process import ServiceUnavailable
from tests.services.redis import RedisServer
from tests.support.erasing import (
    BY_ORIGIN,
    NAMES,
    PAYMENTS,
    UNION,
    Event,
    comes_back,
    dead,
    her_day,
    others,
    spellings,
)
from tests.support.snapshot import Snapshot, snapshot

pytestmark = pytest.mark.integration

BOOK = load_rules(None)
HERS = (*NAMES, PAYMENTS)
#: What Kafka does in days, in seconds.
SOON = {
    "segment.ms": "200",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "500",
    "delete.retention.ms": "0",
    "file.delete.delay.ms": "0",
}


class QuickKafka(KafkaServer):
    """A broker whose log cleaner never sleeps for long."""

    def _properties(self) -> dict[str, str]:
        return super()._properties() | {
            "log.cleaner.backoff.ms": "200",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }

    @property
    def data(self) -> Path:
        return self._data


@contextmanager
def started() -> Iterator[tuple[QuickKafka, RedisServer]]:
    try:
        broker, store = QuickKafka(), RedisServer()
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    with broker, store:
        yield broker, store


@pytest.fixture
def servers() -> Iterator[tuple[QuickKafka, RedisServer]]:
    with started() as both:
        yield both


def now_ms() -> int:
    return int(time.time() * 1000)


async def hurry(cluster: Cluster) -> None:
    """Let our topics be compacted within seconds."""
    configs = cluster.names.all()
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, topic, configs[topic] | SOON)
                for topic in cluster.names.written
            ]
        )
    finally:
        await admin.close()


@asynccontextmanager
async def producer(cluster: Cluster) -> AsyncIterator[AIOKafkaProducer]:
    sender = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def publish(cluster: Cluster, events: Iterable[Event]) -> None:
    await cluster.publish([(topic, None, value, []) for topic, value in events])
    await cluster.settled(quiet_s=1.0)


def on_disk(directory: Path, pattern: str, ids: Iterable[str]) -> set[str]:
    """Which of the ids stand in these files, and in which directory."""
    marks = [(id_, spelling) for id_ in ids for spelling in spellings(id_)]
    found = set()
    for path in directory.glob(pattern):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # compacted meanwhile
            continue
        found |= {f"{id_} in {path.parent.name}" for id_, mark in marks if mark in content}
    return found


def in_redis(store: RedisServer, ids: Iterable[str]) -> set[str]:
    """Which of the ids stand in what Redis has on its disk, rewritten for the purpose."""
    with redis.Redis.from_url(store.url) as client:
        client.config_set("rdbcompression", "no")
        client.bgrewriteaof()
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.05)
    return on_disk(store.directory, "appendonlydir/*", ids)


async def compacted_without(cluster: Cluster, kafka: QuickKafka, ids: Iterable[str]) -> None:
    """Wait until compaction has removed the ids from our topics.

    A segment is compacted when a later one has been begun, which takes another record: here one
    without value, which says nothing to anybody.
    """
    end, left = time.monotonic() + 40, {""}
    async with producer(cluster) as sender:
        while left:
            assert time.monotonic() < end, left
            for topic in cluster.names.written:
                for partition in range(cluster.partitions):
                    await sender.send(topic, None, uuid4().bytes, partition=partition)
            await sender.flush()
            await asyncio.sleep(0.5)
            left = await asyncio.to_thread(on_disk, kafka.data, "*shadow.*/*.log", ids)
    await cluster.settled(quiet_s=0.5)


async def state(cluster: Cluster) -> Snapshot:
    return snapshot(await cluster.entities(), BOOK, now_ms())


@pytest.mark.timeout(480)
async def test_she_is_erased_by_command_for_good(
    servers: tuple[QuickKafka, RedisServer], namespace: str, tmp_path: Path
) -> None:
    kafka, store = servers
    secret = {"HASH_KEY": "a secret of the deployment", "COMPRESSION": "none"}  # bytes can be found
    began = now_ms()
    day = [*her_day(began), *others(began, 29), *dead(began)]
    with Cluster(kafka.bootstrap, store.url, namespace, tmp_path, 2, secret) as cluster:
        await hurry(cluster)
        worker = cluster.start_worker()
        await publish(cluster, day)
        before, entities = await state(cluster), await cluster.entities()
        assert before.payouts[UNION, "m-1"]
        assert len(before.live) == 29
        assert {place.split()[0] for place in in_redis(store, HERS)} == set(HERS)
        written = on_disk(kafka.data, "*shadow.*/*.log", HERS)
        for topic in (*cluster.names.written[:4], cluster.names.dead_letters):
            assert any(f"{topic}-" in place for place in written), topic

        # A trial: it counts, and changes nothing.
        who = ("--origin", BY_ORIGIN["appid"], BY_ORIGIN["openid"])
        looked = cluster.run("erase", *who, "--dry-run").splitlines()
        assert looked[0] == "Redis: 23 entities, 20 of them payments"
        counted = {line.partition(":")[0]: int(line.split()[-2]) for line in looked[1:]}
        assert counted.keys() == set(cluster.names.written)
        assert counted[cluster.names.dead_letters] == 2
        assert await cluster.entities() == entities

        said = cluster.run("erase", *who, "--yes").splitlines()
        assert said[0].startswith("20 messages to entities")
        for line, topic in zip(said[1:], cluster.names.written, strict=True):
            assert line.startswith(f"{topic}: ")
            assert int(line.split()[-3].replace(",", "")) >= counted[topic]
        await cluster.settled(quiet_s=1.0)
        await compacted_without(cluster, kafka, HERS)
        assert in_redis(store, HERS) == set()
        alone = await state(cluster)
        assert alone == without_her(before)
        assert cluster.run("verify", "--patience", "1").endswith("\nno faults\n")

        # All of it is sent again, and is refused.
        await publish(cluster, day)
        assert (await state(cluster)) == alone
        for _ in range(2):  # the second takes what the first one sent the payments
            cluster.run("sweep")
            await cluster.settled(quiet_s=1.0)
        await compacted_without(cluster, kafka, HERS)
        assert in_redis(store, HERS) == set()
        assert await state(cluster) == alone

        # Redis is lost, and made again from the log: the others are identical.
        entities = await cluster.entities()
        assert cluster.stop_worker(worker) == 0
        cluster.wipe_redis()
        cluster.start_worker()
        await cluster.settled()
        assert await cluster.entities() == entities

        # She comes back: a new beginning, with what is new.
        await publish(cluster, comes_back(now_ms()))
        again = await state(cluster)
        assert again.balances[UNION] == 3 * 200 + 200 + 5  # payments, the first one, a login
        assert "0 records erased" in cluster.run("sweep")
        assert await state(cluster) == again
        cluster.stop_workers()


def without_her(all_: Snapshot) -> Snapshot:
    return Snapshot(
        binds={origin: to for origin, to in all_.binds.items() if to != UNION},
        balances={key: points for key, points in all_.balances.items() if key != UNION},
        payouts={to: points for to, points in all_.payouts.items() if to[0] != UNION},
        live={key: points for key, points in all_.live.items() if key != UNION},
        spent={key: fen for key, fen in all_.spent.items() if key != UNION},
        blocks={key: block for key, block in all_.blocks.items() if key != UNION},
    )


async def test_who_is_not_to_be_erased_is_not_and_no_worker_learns_of_it(cluster: Cluster) -> None:
    key = "union.abc-brand.uNobody00000000000000000001"
    said = await asyncio.to_thread(cluster.run, "erase", key, "--dry-run")
    assert said.startswith("Redis: 0 entities, 0 of them payments\n")
    assert await cluster.read(f"{cluster.names.prefix}privacy.requests") == []
    offers = await cluster.read(cluster.names.prefix + "shadow.offers")
    assert [orjson.loads(r.value or b"") for r in offers] == []
