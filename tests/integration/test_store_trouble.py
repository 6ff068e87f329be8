# SPDX-License-Identifier: Apache-2.0
"""A worker whose Redis takes no commit, or is not fit any more, says so; nothing is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from stream.commands.health_client import ask
from tests.conftest import Kafka
from tests.integration.cluster import Cluster, Source
from tests.integration.test_poison import payment
from tests.services.process import free_ports
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]


def payments(first: int, number: int) -> list[Source]:
    ids = (f"42000000002026112200000{n:06}" for n in range(first, first + number))
    return [("wechat.pay", None, payment(transaction_id=id_), []) for id_ in ids]


@asynccontextmanager
async def deployed(
    kafka: Kafka, redis: RedisServer, namespace: str, logs: Path
) -> AsyncIterator[tuple[Cluster, Redis, int]]:
    (port,) = free_ports(1)
    settings = {"WEB_PORT": str(port), "TICK_INTERVAL_S": "0.5"}
    admin = Redis.from_url(redis.url)
    with Cluster(kafka.bootstrap, redis.url, namespace, logs, 2, settings) as cluster:
        cluster.supervised = True
        cluster.start_worker()
        await cluster.publish(payments(0, 10))
        await cluster.settled()
        try:
            yield cluster, admin, port
        finally:
            await admin.aclose()


async def until_reported(cluster: Cluster, port: int, words: str) -> None:
    def reported() -> bool:
        answer = ask(port)
        return answer is None if not words else words in (answer or "")

    await cluster.until(partial(asyncio.to_thread, reported), 30, f"it does not say: {words}")


async def test_a_worker_which_cannot_commit_is_not_ready_and_goes_on_later(
    kafka: Kafka, new_redis: Callable[[str], RedisServer], namespace: str, tmp_path: Path
) -> None:
    redis = new_redis("everysec")
    async with deployed(kafka, redis, namespace, tmp_path) as (cluster, admin, port):
        await until_reported(cluster, port, "")

        await admin.replicaof("127.0.0.1", 1)
        await until_reported(cluster, port, "SHADOWPOINTS_REDIS_URL must lead to the primary")
        await cluster.publish(payments(10, 10))
        await admin.replicaof("NO", "ONE")
        await until_reported(cluster, port, "")

        await admin.config_set("maxmemory", 1)
        await until_reported(cluster, port, "raise maxmemory")
        await cluster.publish(payments(20, 10))
        await admin.config_set("maxmemory", 0)
        await until_reported(cluster, port, "")

        await admin.config_set("min-replicas-to-write", 1)
        await until_reported(cluster, port, "min-replicas-to-write")
        await cluster.publish(payments(30, 10))
        await admin.config_set("min-replicas-to-write", 0)
        await until_reported(cluster, port, "")

        await cluster.settled()
        assert cluster.counts() == {"parked": 40}
        cluster.stop_workers()


@pytest.mark.parametrize(
    ("name", "wrong", "right", "words"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "maxmemory-policy allkeys-lru"),
        ("appendonly", "no", "yes", "SHADOWPOINTS_REDIS_DURABLE=elsewhere"),
    ],
)
async def test_a_worker_ends_when_its_redis_is_not_fit_any_more(
    name: str,
    wrong: str,
    right: str,
    words: str,
    kafka: Kafka,
    new_redis: Callable[[str], RedisServer],
    namespace: str,
    tmp_path: Path,
) -> None:
    redis = new_redis("everysec")
    async with deployed(kafka, redis, namespace, tmp_path) as (cluster, admin, _):
        await admin.config_set(name, wrong)
        for worker in (cluster.workers[0], cluster.start_worker()):
            assert await asyncio.to_thread(worker.wait, 30) == 1
        for log in ("worker-0.log", "worker-1.log"):
            assert words in (cluster.logs / log).read_text("utf-8")

        await admin.config_set(name, right)
        cluster.start_worker()
        await cluster.publish(payments(10, 10))
        await cluster.settled()
        assert cluster.counts() == {"parked": 20}
        cluster.workers[-1].terminate()
        assert await asyncio.to_thread(cluster.workers[-1].wait, 10) == 0


async def test_a_store_which_is_durable_elsewhere_is_taken_at_its_word(
    kafka: Kafka, new_redis: Callable[[str], RedisServer], namespace: str, tmp_path: Path
) -> None:
    redis = new_redis("everysec")
    async with deployed(kafka, redis, namespace, tmp_path) as (cluster, admin, port):
        cluster.stop_workers()
        await admin.config_set("appendonly", "no")
        cluster.settings["REDIS_DURABLE"] = "elsewhere"
        cluster.start_worker()
        await cluster.publish(payments(10, 10))
        await cluster.settled()
        await until_reported(cluster, port, "")
        assert cluster.counts() == {"parked": 20}
        cluster.stop_workers()
