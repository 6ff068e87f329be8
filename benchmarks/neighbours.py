# SPDX-License-Identifier: Apache-2.0
"""What others feel while one heavy consumer's past is imported: latency, liveness, progress.

    python -m benchmarks.neighbours [--before N] [--late N] [--rate R] [--seconds S]

One consumer has ``--before`` payments; others pay ``--rate`` times a second all the time. Reported
is the time from a payment of the others to its entry in the ledger, and how long the liveness page
took to answer: without an import, while ``--late`` payments of two months ago come at once for all
the others, and while as many come for the heavy one. At last, what a worker killed in the middle of
such an import had done by then.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
from confluent_kafka import Consumer, TopicPartition

from benchmarks.machines import Machines, started
from benchmarks.publish import producer
from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster, Source
from tests.worker.events import DAY_MS, consent, login, payment

HEAVY, OTHERS, PARTITIONS = 1, range(1_000, 1_200), 4


@dataclass
class Watch:
    """Reads the ledger and asks the liveness page, until it is stopped; ms."""

    machines: Machines
    cluster: Cluster
    port: int
    published: dict[str, float] = field(default_factory=dict)  # event id -> s
    latencies_ms: list[float] = field(default_factory=list)
    live_ms: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def take(self) -> tuple[list[float], list[float]]:
        """What was seen since the last call, ascending."""
        found = sorted(self.latencies_ms), sorted(self.live_ms)
        self.latencies_ms, self.live_ms = [], []
        return found

    def read(self) -> None:
        """Note when an entry comes for a payment."""
        ledger = self.cluster.names.channel(Channel.LEDGER)
        ends = self.machines.ends([ledger], PARTITIONS)
        group = {"bootstrap.servers": self.machines.bootstrap, "group.id": "neighbours"}
        consumer = Consumer({**group, "enable.auto.commit": False, "log_level": 0})
        consumer.assign([TopicPartition(topic, p, end) for (topic, p), end in ends.items()])
        while not self.over.is_set():
            for message in consumer.consume(500, timeout=0.005):
                value = message.value()
                assert isinstance(value, bytes), message.error()
                sent = self.published.pop(orjson.loads(value)["cause"], None)
                if sent is not None:
                    self.latencies_ms.append((time.time() - sent) * 1000)
        consumer.close()

    def ask(self) -> None:
        """Ask the liveness page four times a second."""
        while not self.over.is_set():
            begin = time.time()
            try:
                address = f"http://127.0.0.1:{self.port}/health/live"
                urllib.request.urlopen(address, timeout=30).read()
                self.live_ms.append((time.time() - begin) * 1000)
            except OSError:
                self.live_ms.append(30_000.0)
            time.sleep(0.25)


def of_heavy(number: int, first: int, oldest_ms: int, days: int) -> Iterator[Source]:
    """Payments of the heavy consumer, spread over so many days."""
    for n in range(number):
        topic, value = payment(HEAVY, first + n, oldest_ms + n * days * DAY_MS // number)
        yield topic, b"heavy", value, ()


def met(now_ms: int) -> Iterator[Source]:
    """Everybody agrees and logs in."""
    for person in (HEAVY, *OTHERS):
        for topic, value in (consent(person, now_ms), login(person, 1, now_ms)):
            yield topic, b"%d" % person, value, ()


def keep_paying(watch: Watch, first: int, rate: float, until_s: float) -> int:
    """Let the others pay until then; answers the number of the next payment."""
    out = producer(watch.machines.bootstrap, linger_ms=0)
    begin, number = time.time(), first
    while time.time() < until_s:
        while number < first + int((time.time() - begin) * rate):
            person = OTHERS[number % len(OTHERS)]
            topic, value = payment(person, number, int(time.time() * 1000), fen=100)
            watch.published[orjson.loads(value)["id"]] = time.time()
            out.produce(watch.cluster.names.prefix + topic, value, b"%d" % person)
            number += 1
        out.poll(0)
        time.sleep(0.001)
    out.flush(30)
    return number


def tell(name: str, watch: Watch) -> float:
    """A line; answers the p99."""
    latencies, live = watch.take()
    if not latencies:
        raise RuntimeError(f"{name}: no payment was answered\n{watch.cluster.log_tails()}")
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    print(
        f"{name:24} p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  ({len(latencies)} payments)  "
        f"slowest liveness answer {live[-1]:6.1f} ms",
        flush=True,
    )
    return p99


def late(a: argparse.Namespace, first: int, now_ms: int) -> list[Source]:
    """Payments of two months ago."""
    return list(of_heavy(a.late, first, now_ms - 90 * DAY_MS, 30))


def late_of_many(a: argparse.Namespace, first: int, now_ms: int) -> Iterator[Source]:
    """As many payments of that time, of all the others."""
    for n, (topic, _, _, _) in enumerate(late(a, first, now_ms)):
        person, at_ms = OTHERS[n % len(OTHERS)], now_ms - 90 * DAY_MS + n * 60_000
        yield topic, b"%d" % person, payment(person, first + n, at_ms)[1], ()


async def run(machines: Machines, a: argparse.Namespace) -> None:
    """All of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster = Cluster(
        machines.bootstrap, machines.redis_url(0), "neighbours", machines.directory, PARTITIONS
    )
    cluster.settings["WEB_PORT"] = str(port)
    now_ms = int(time.time() * 1000)
    with cluster:
        worker = cluster.start_worker()
        await cluster.publish(met(now_ms))
        await cluster.publish(of_heavy(a.before, 0, now_ms - 30 * DAY_MS, 30))
        await cluster.settled(timeout_s=600)
        watch = Watch(machines, cluster, port)
        threads = [threading.Thread(target=of) for of in (watch.read, watch.ask)]
        for thread in threads:
            thread.start()
        paid = keep_paying(watch, 0, a.rate, time.time() + 5)  # the broker warms up
        watch.take()
        paid = keep_paying(watch, paid, a.rate, time.time() + a.seconds)
        without = tell("without the import", watch)
        await cluster.publish(late_of_many(a, 10**6, now_ms))
        paid = keep_paying(watch, paid, a.rate, time.time() + a.seconds)
        many = tell("import for all", watch)
        await cluster.publish(late(a, a.before, now_ms))
        paid = keep_paying(watch, paid, a.rate, time.time() + a.seconds)
        during = tell("import for the heavy one", watch)
        print(f"p99 is {during / without:.1f} times that without, {during / many:.1f} that for all")
        watch.over.set()
        for thread in threads:
            thread.join()
        await cluster.settled(timeout_s=600)
        before = cluster.applied()
        await cluster.publish(late(a, a.before + a.late, now_ms))
        begun = sum(before) + a.late // 4  # of two messages a payment
        await cluster.until(lambda: sum(cluster.applied()) >= begun, 60, "nothing is applied")
        cluster.kill_worker(worker)
        done = sum(cluster.applied()) - sum(before)
        print(f"killed in the middle: {done:,} messages had been applied and stay so")
        cluster.start_worker()
        await cluster.settled(timeout_s=600)
        print(f"in the end: {sum(cluster.applied()) - sum(before):,}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours")
    parser.add_argument("--before", type=int, default=8_000)
    parser.add_argument("--late", type=int, default=1_500)
    parser.add_argument("--rate", type=float, default=50.0, help="payments of the others a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    with started() as machines:
        asyncio.run(run(machines, arguments))


if __name__ == "__main__":
    main()
