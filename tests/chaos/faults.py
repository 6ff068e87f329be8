# SPDX-License-Identifier: Apache-2.0
"""What happens to workers, to the broker and to a single Redis."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path

import redis
from aiokafka.admin import NewPartitions
from confluent_kafka import Producer

from tests.chaos.stage import SESSION_TIMEOUT_S, Fault, Stage
from tests.faults.poison import bad_name
from tests.faults.till import payment
from tests.services.redis import RedisServer
from tests.support.skew import clock_wrong_by

#: For which a transaction stays open, and holds up what is published after it.
_OPEN_S = 2.0


async def worker_killed(stage: Stage) -> None:
    """``kill -9`` of one worker."""
    stage.any_worker().kill()


async def worker_frozen(stage: Stage) -> None:
    """A zombie: frozen beyond its session, so that others take over, then thawed."""
    worker = stage.any_worker()
    worker.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SESSION_TIMEOUT_S + 3)
    worker.send_signal(signal.SIGCONT)


async def worker_added_and_removed(stage: Stage) -> None:
    """A rebalance storm: one more, one less, one more."""
    stage.workers_wanted += 1
    await asyncio.sleep(2)
    stage.workers_wanted -= 1
    stage.any_worker().terminate()
    await asyncio.sleep(2)


async def worker_with_a_wrong_clock(stage: Stage) -> None:
    """One more, which is 800 days ahead: it ends by itself, and has changed nothing."""
    wrong = clock_wrong_by(timedelta(days=800), stage.cluster.logs)
    worker = stage.cluster.start_worker(**wrong)
    await asyncio.to_thread(worker.wait, 60)


async def sources_grow(stage: Stage) -> None:
    """Each source has one partition more from now on."""
    cluster = stage.cluster
    more = cluster.source_partitions + 1
    async with cluster.admin() as admin:
        await admin.create_partitions({name: NewPartitions(more) for name in cluster.names.sources})
    cluster.source_partitions = more


async def broker_killed(stage: Stage) -> None:
    """``kill -9`` of the broker, back after three seconds."""
    await asyncio.to_thread(stage.kafka.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(stage.kafka.start)


async def redis_killed(stage: Stage) -> None:
    """``kill -9`` of Redis; it comes back with its append-only file."""
    server = _single(stage)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(server.start)


async def redis_frozen(stage: Stage) -> None:
    """Redis silent for longer than the clients' timeout."""
    server = _single(stage)
    server.pause()
    await asyncio.sleep(7)
    server.resume()


async def connections_cut(stage: Stage) -> None:
    """Every client connection of Redis is closed."""
    with redis.Redis.from_url(_single(stage).url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0)


async def redis_rolled_back(stage: Stage) -> None:
    """Redis restored from its files of some time ago."""
    server = _single(stage)
    backup = server.directory.with_name(server.directory.name + "-backup")
    if stage.backup is None:
        _copy(server.directory / "appendonlydir", backup)
        await asyncio.sleep(4)
    await asyncio.to_thread(server.kill)
    _copy(backup, server.directory / "appendonlydir")
    shutil.rmtree(backup)
    await asyncio.to_thread(server.start)


async def redis_emptied(stage: Stage) -> None:
    """Everything in Redis is gone."""
    with redis.Redis.from_url(_single(stage).url) as client:
        client.flushall()
    await asyncio.sleep(0)


async def transactions_aborted(stage: Stage) -> None:
    """An outbox relay writes payments to every source partition of them, and takes them back."""
    await asyncio.to_thread(_abort, stage)


def _abort(stage: Stage) -> None:
    topic = stage.cluster.names.prefix + "wechat.pay"
    options = {"bootstrap.servers": stage.cluster.bootstrap, "transactional.id": "relay"}
    producer = Producer(options)
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(100 * stage.cluster.partitions):
        producer.produce(topic, payment(number), partition=number % stage.cluster.partitions)
    assert producer.flush(30) == 0
    time.sleep(_OPEN_S)
    producer.abort_transaction(30)


async def poison_published(stage: Stage) -> None:
    """A record which no Python client can read, in every partition of a source and of the log."""
    names = stage.cluster.names
    for topic in (names.prefix + "wechat.pay", names.resolved):
        for partition in range(stage.cluster.partitions):
            await bad_name(stage.cluster.bootstrap, topic, [b"{}"], partition=partition)


def _single(stage: Stage) -> RedisServer:
    assert isinstance(stage.redis, RedisServer)
    return stage.redis


def _copy(from_: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(from_, to)


#: In the order in which they strike; each names the function.
WORKER_FAULTS: tuple[Fault, ...] = (
    *(worker_killed, worker_frozen, worker_added_and_removed, worker_with_a_wrong_clock),
    *(sources_grow, broker_killed),
)
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *WORKER_FAULTS,
        *(redis_killed, redis_frozen, connections_cut, redis_rolled_back, redis_emptied),
        *(transactions_aborted, poison_published),
    )
}
