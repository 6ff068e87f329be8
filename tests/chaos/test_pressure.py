# SPDX-License-Identifier: Apache-2.0
"""Back-pressure: with a server away nothing is acknowledged falsely, and memory is bounded."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from stream.commands.health_client import ask
from tests.integration.cluster import Cluster
from tests.integration.test_day import BOOK, now_ms, quiet_run, sample_day, sources
from tests.services.kafka import KafkaServer
from tests.services.process import Server, free_ports
from tests.services.redis import RedisServer
from tests.support.snapshot import snapshot

pytestmark = [pytest.mark.integration, pytest.mark.alone]

#: Shorter than an operator's bad minute; `AWAY_S=60 pytest tests/chaos/test_pressure.py` for that.
AWAY_S = float(os.environ.get("AWAY_S", "12"))
#: A worker waiting for a server holds what its bounded queues hold, and no more.
GROWTH_MIB_MAX = 150
#: A worker says that it is not ready from then on, without a break.
NOTICED_WITHIN_S = 5.0


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


@pytest.mark.timeout(600)
@pytest.mark.parametrize("away", ["redis", "kafka"])
async def test_a_server_is_away(
    away: str,
    new_kafka: Callable[[], KafkaServer],
    new_redis: Callable[..., RedisServer],
    tmp_path: Path,
) -> None:
    kafka, redis = new_kafka(), new_redis("everysec")
    server: Server = redis if away == "redis" else kafka
    (port,) = free_ports(1)
    settings = {"WEB_PORT": str(port)}
    with Cluster(kafka.bootstrap, redis.url, "pressure", tmp_path, 4, settings) as cluster:
        day = sample_day(4_000)
        half = len(day.records) // 2
        await cluster.publish(sources(day)[:half], Random(1))
        worker = cluster.start_worker()
        await cluster.settled()
        assert ask(port) is None
        before_mib = resident_mib(worker.pid)

        if away == "redis":
            server.pause()
            await cluster.publish(sources(day)[half:], Random(2))
        else:
            await cluster.publish(sources(day)[half:], Random(2))
            server.pause()
        peak_mib = before_mib
        answers = []
        away_since = time.monotonic()
        while (away_s := time.monotonic() - away_since) < AWAY_S:
            peak_mib = max(peak_mib, resident_mib(worker.pid))
            answers.append((away_s, await asyncio.to_thread(ask, port)))
            await asyncio.sleep(1)
        assert worker.poll() is None, cluster.log_tails()
        assert all(problem for away_s, problem in answers if away_s > NOTICED_WITHIN_S)
        server.resume()
        resumed = time.monotonic()

        await cluster.settled(120)
        drained_s = time.monotonic() - resumed
        assert ask(port) is None
        after_mib = resident_mib(worker.pid)
        assert peak_mib - before_mib < GROWTH_MIB_MAX
        assert worker.poll() is None, cluster.log_tails()
        cluster.stop_workers()
        as_of = now_ms()
        assert snapshot(await cluster.entities(), BOOK, as_of) == quiet_run(day, as_of)
        print(
            f"{away} away for {AWAY_S:g} s: {before_mib:.0f} MiB before, {peak_mib:.0f} at the "
            f"peak, {after_mib:.0f} after; drained {drained_s:.1f} s after its return"
        )
