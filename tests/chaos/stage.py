# SPDX-License-Identifier: Apache-2.0
"""A deployment under attack: its servers, its workers, and a supervisor which restarts workers."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer
from tests.services.redis_cluster import RedisCluster

RESTART_AFTER_S = 0.5
#: The product's own default; docs/operations.md says why. Faults which freeze a worker last longer.
SESSION_TIMEOUT_S = 8.0


@dataclass
class Stage:
    """Everything a fault may lay hands on."""

    kafka: KafkaServer
    redis: RedisServer | RedisCluster
    cluster: Cluster
    random: Random
    workers_wanted: int = 2
    exits: Counter[int] = field(default_factory=Counter)
    backup: Path | None = None  # Redis' files of some time ago
    went_back: int = 0  # records which promoted replicas lacked
    kills_felt_s: list[float] = field(default_factory=list)  # until the lag was back
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

    async def wait_for_redis(self) -> None:
        """Until a Redis Cluster is whole again; a single server is back when the fault is over."""
        if isinstance(self.redis, RedisCluster):
            await asyncio.to_thread(self.redis.wait_until_healthy)

    def stop_workers(self) -> None:
        """SIGTERM to all. One which waits in a rebalance for a dead one ends when that may."""
        workers = self.running
        for worker in workers:
            worker.terminate()
        for worker in workers:
            assert worker.wait(timeout=60) == 0, self.cluster.log_tails()

    async def caught_up_s(self, timeout_s: float = 120) -> float:
        """Seconds until everything published is applied."""
        started = time.monotonic()
        await self.cluster.settled(timeout_s, quiet_s=0.0)
        return time.monotonic() - started


Fault = Callable[[Stage], Awaitable[None]]
