"""A deployment under attack: its servers, its workers, and a supervisor which restarts workers."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import redis

from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer

RESTART_AFTER_S = 0.5


@dataclass
class Stage:
    """Everything a fault may lay hands on."""

    kafka: KafkaServer
    redis: RedisServer
    cluster: Cluster
    random: Random
    workers_wanted: int = 2
    exits: Counter[int] = field(default_factory=Counter)
    backup: Path | None = None
    over: bool = False

    @property
    def running(self) -> list[subprocess.Popen[bytes]]:
        return [worker for worker in self.cluster.workers if worker.poll() is None]

    def any_worker(self) -> subprocess.Popen[bytes]:
        return self.random.choice(self.running)

    async def supervise(self) -> None:
        """What compose or Kubernetes does: a worker which ended is started again."""
        known: set[int] = set()
        while not self.over:
            for worker in self.cluster.workers:
                code = worker.poll()
                if code is not None and worker.pid not in known:
                    known.add(worker.pid)
                    self.exits[code] += 1
            while len(self.running) < self.workers_wanted:
                self.cluster.start_worker()
            await asyncio.sleep(RESTART_AFTER_S)

    async def wait_for_worker(self) -> None:
        await self.cluster.until(lambda: self.running, 30, "no worker is started")

    def save_redis(self) -> None:
        """Copy Redis' files as they are now, for :func:`redis_rolled_back`."""
        self.backup = self.redis.directory.with_name(self.redis.directory.name + "-backup")
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.redis.directory / "appendonlydir", self.backup)


Fault = Callable[[Stage], Awaitable[None]]


async def worker_killed(stage: Stage) -> None:
    """``kill -9`` of one worker."""
    stage.any_worker().kill()


async def worker_frozen(stage: Stage) -> None:
    """A zombie: frozen beyond its session, so that others take over, then thawed."""
    worker = stage.any_worker()
    worker.send_signal(signal.SIGSTOP)
    await asyncio.sleep(9)
    worker.send_signal(signal.SIGCONT)


async def worker_added_and_removed(stage: Stage) -> None:
    """A rebalance storm: one more, one less, one more."""
    stage.workers_wanted += 1
    await asyncio.sleep(2)
    stage.workers_wanted -= 1
    stage.any_worker().terminate()
    await asyncio.sleep(2)


async def broker_killed(stage: Stage) -> None:
    """``kill -9`` of the broker, back after three seconds."""
    await asyncio.to_thread(stage.kafka.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(stage.kafka.start)


async def redis_killed(stage: Stage) -> None:
    """``kill -9`` of Redis; it comes back with its append-only file."""
    await asyncio.to_thread(stage.redis.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(stage.redis.start)


async def redis_frozen(stage: Stage) -> None:
    """Redis silent for longer than the clients' timeout."""
    stage.redis.pause()
    await asyncio.sleep(7)
    stage.redis.resume()


async def connections_cut(stage: Stage) -> None:
    """Every client connection of Redis is closed."""
    with redis.Redis.from_url(stage.redis.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0)


async def redis_rolled_back(stage: Stage) -> None:
    """Redis restored from its files of some time ago."""
    if stage.backup is None:
        stage.save_redis()
        await asyncio.sleep(4)
    assert stage.backup is not None
    await asyncio.to_thread(stage.redis.kill)
    files = stage.redis.directory / "appendonlydir"
    shutil.rmtree(files)
    shutil.copytree(stage.backup, files)
    stage.backup = None
    await asyncio.to_thread(stage.redis.start)


async def redis_emptied(stage: Stage) -> None:
    """Everything in Redis is gone."""
    with redis.Redis.from_url(stage.redis.url) as client:
        client.flushall()
    await asyncio.sleep(0)


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        worker_killed,
        worker_frozen,
        worker_added_and_removed,
        broker_killed,
        redis_killed,
        redis_frozen,
        connections_cut,
        redis_rolled_back,
        redis_emptied,
    )
}


async def caught_up_s(stage: Stage, timeout_s: float = 120) -> float:
    """Seconds until everything published is applied."""
    started = time.monotonic()
    await stage.cluster.settled(timeout_s, quiet_s=0.0)
    return time.monotonic() - started
