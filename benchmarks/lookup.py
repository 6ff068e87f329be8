# SPDX-License-Identifier: Apache-2.0
"""Lookups of consumers at the gateway, beside the running engine.

    python -m benchmarks.lookup [--people N] [--rate R] [--events E] [--seconds S]

The gateway has a core to itself; a worker, the broker, Redis and the client share the other. Each
of ``--people`` has twenty payments and logins. ``--rate`` lookups a second, each of another
person, come first while nothing else happens and then while the engine takes in ``--events`` a
second. Reported are the time from when a lookup was due to its answer, and CPU of the gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Final

import orjson

from benchmarks.gateway import GATEWAY_CORE, OTHER_CORE, on_its_core
from benchmarks.load import Answered, load, request
from benchmarks.machines import Machines, cpu_s, started
from benchmarks.publish import producer
from stream.config.settings import PREFIX
from tests.gateway.endpoints.build import TILL, signed
from tests.integration.cluster import Cluster, Source
from tests.services.process import free_ports
from tests.worker.events import MERCHANT, MINI_PROGRAM, openid, payment, shopper

APPS: Final = f"""
apps:
  - {{appid: {MINI_PROGRAM}, name: Mini-program, kind: mini_program, open_account: abc-brand}}
clients:
  - {{id: {TILL.id}, name: Till, kind: till, key_env: TILL_KEY, types: [payment.succeeded.v1],
     appids: [{MINI_PROGRAM}], mchids: ["{MERCHANT}"], rights: [look_up]}}
"""


def lookups(people: int) -> list[bytes]:
    """Signed anew, since a signature is good for some minutes only."""
    made = []
    for person in range(people):
        body = orjson.dumps({"appid": MINI_PROGRAM, "openid": openid(person)})
        headers = signed(TILL, body, at_s=int(time.time()), nonce=f"nonce-{person:06}")
        made.append(request("/consumers/lookup", headers, body))
    return made


async def pay(cluster: Cluster, people: int, rate: float, seconds: float) -> None:
    """Payments of all of them in turn, at a rate."""
    out, begin, number = producer(cluster.bootstrap, linger_ms=5), time.monotonic(), 0
    while (now := time.monotonic()) < begin + seconds:
        while number < (now - begin) * rate:
            person, at_ms = number % people, int(time.time() * 1000)
            topic, value = payment(person, 1_000_000 + number, at_ms, fen=100)
            out.produce(cluster.names.prefix + topic, value, b"%d" % person)
            number += 1
        out.poll(0)
        await asyncio.sleep(0.005)
    out.flush(30)


def tell(name: str, found: Answered, cpu_us: float) -> None:
    """A line."""
    p50, p99 = (found.percentile_ms(share) for share in (0.5, 0.99))
    print(
        f"{name:30} {found.per_second:5,.0f}/s  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  "
        f"{cpu_us:4.0f} µs of CPU each  {found.refused} refused",
        flush=True,
    )


async def run(machines: Machines, a: argparse.Namespace) -> None:
    """All of it."""
    directory, now_ms = machines.directory, int(time.time() * 1000)
    (directory / "apps.yaml").write_text(APPS, "utf-8")
    settings = {"APPS": str(directory / "apps.yaml")}
    cluster = Cluster(machines.bootstrap, machines.redis_url(0), "lookup", directory, 4, settings)
    past: list[Source] = [
        (topic, b"%d" % person, value, ())
        for person in range(a.people)
        for topic, value in shopper(person, now_ms)
    ]
    with cluster:
        cluster.start_worker()
        await cluster.publish(past)
        await cluster.settled(timeout_s=600)
        (port,) = free_ports(1)
        settings = {"GATEWAY_PORT": str(port), "GATEWAY_CLIENT_EVENTS_PER_S": "100000"}
        environment = cluster.environment | {"TILL_KEY": TILL.keys[0].decode()}
        environment |= {PREFIX + name: value for name, value in settings.items()}
        command, log = ["stream.cli", "gateway"], Path(directory / "gateway.log")
        with on_its_core("gateway", port, command, environment, log, GATEWAY_CORE) as server:
            await asyncio.sleep(5)  # it learns how far the worker is
            for name, rate in (
                ("nothing else happens", 0.0),
                (f"{a.events:,.0f} events/s", a.events),
            ):
                found, before = lookups(a.people), cpu_s(server.pid)
                busy = pay(cluster, a.people, rate, a.seconds + 4)
                _, answered = await asyncio.gather(
                    busy, load(port, found, connections=32, seconds=a.seconds, rate=a.rate)
                )
                cpu_us = 1e6 * (cpu_s(server.pid) - before) / len(answered.times_s)
                tell(name, answered, cpu_us)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup")
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=500.0, help="lookups a second")
    parser.add_argument("--events", type=float, default=500.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})  # servers and worker inherit it
    with started() as machines:
        asyncio.run(run(machines, arguments))


if __name__ == "__main__":
    main()
