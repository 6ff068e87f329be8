# SPDX-License-Identifier: Apache-2.0
"""How fast the sample day goes through one worker, and where the CPU time goes.

    python -m benchmarks.day [EVENTS]

A real broker and a real Redis (started here) and one worker, everything on this machine. CPU time
is that of the processes; the stages' shares are measured apart, in one process on tables in
memory, where nothing else runs in between.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from stream.brand.directory import load_apps
from stream.demo.day import Day, generate, yesterday
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def on_real_parts(day: Day) -> None:
    events = len(day.records)
    with (
        KafkaServer() as kafka,
        RedisServer() as redis,
        tempfile.TemporaryDirectory() as logs,
        Cluster(kafka.bootstrap, redis.url, "bench", Path(logs)) as cluster,
    ):
        await cluster.publish((r.topic, r.key, r.value, r.headers) for r in day.records)
        pids = {"broker": kafka.pid, "redis": redis.pid}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        started = time.monotonic()
        pids["worker"] = cluster.start_worker().pid
        await cluster.until(lambda: sum(cluster.applied()) > 0, 60, "the worker does not start")
        before["worker"] = cpu_s(pids["worker"])
        first = time.monotonic()
        await cluster.settled(600, quiet_s=0.5)
        seconds = time.monotonic() - first
        print(f"{events} events in {seconds:.1f} s ({first - started:.1f} s to start): ", end="")
        print(f"{events / seconds:,.0f} events/s")
        for name, pid in pids.items():
            print(f"  {name:8}{(cpu_s(pid) - before[name]) / events * 1e6:7.1f} us CPU per event")


def identified(engine: LocalEngine) -> float:
    name, labels = "shadowpoints_records_total", {"stage": "identify"}
    return engine.metrics.registry.get_sample_value(name, labels) or 0.0


def by_stage(day: Day) -> None:
    events = len(day.records)
    engine = LocalEngine(load_rules(None), load_apps(None))
    for r in day.records:
        engine.publish(r.topic, r.key, r.value, r.headers, day.end_ms)
    spent = {"identify": 0.0, "reward": 0.0}
    more = True
    while more:
        done = identified(engine)
        started = time.process_time()
        more = engine.step()
        stage = "identify" if identified(engine) != done else "reward"
        spent[stage] += time.process_time() - started
    for stage, seconds in spent.items():
        print(f"  {stage:8}{seconds / events * 1e6:7.1f} us CPU per event, in memory")


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    today = date.fromtimestamp(time.time())
    day = generate(seed=7, consumers=events // 10, events=events, day=yesterday(today))
    by_stage(day)
    asyncio.run(on_real_parts(day))


if __name__ == "__main__":
    main()
