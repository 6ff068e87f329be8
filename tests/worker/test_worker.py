# SPDX-License-Identifier: Apache-2.0
"""Worker processes on a real Kafka and a real Redis: events in, offers out, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.commands.health_client import ask
from stream.config.settings import Settings, load_settings
from stream.engine.model.decision import Channel
from stream.kafka.topic_admin import create_topics
from stream.rules.loader import load_rules
from stream.tables import Options, open_tables
from stream.worker.in_process import LocalEngine
from tests.services.process import free_ports
from tests.support.commands import SHADOWPOINTS, others, start
from tests.worker.events import shopper

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(360)]

PARTITIONS = 4
STOP_S = 5.0


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


class Deployment:
    """One namespace on the servers, and the worker processes started for it."""

    def __init__(self, bootstrap: str, redis_url: str, namespace: str, logs: Path) -> None:
        self.variables = {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "SHADOWPOINTS_REDIS_URL": redis_url,
            "SHADOWPOINTS_NAMESPACE": namespace,
            "SHADOWPOINTS_TOPIC_PREFIX": f"{namespace}.",
            "SHADOWPOINTS_PARTITIONS": str(PARTITIONS),
            "SHADOWPOINTS_TICK_INTERVAL_S": "1",
            "SHADOWPOINTS_SESSION_TIMEOUT_S": "6",
        }
        self.settings: Settings = load_settings(self.variables)
        self.names: TopicNames = self.settings.topics
        self.processes: list[subprocess.Popen[bytes]] = []
        self._logs = logs

    def start(self, **variables: str) -> subprocess.Popen[bytes]:
        log = self._logs / f"worker-{len(self.processes)}.log"
        mine = others() | self.variables | variables
        self.processes.append(start([*SHADOWPOINTS, "worker"], mine, log))
        return self.processes[-1]

    def log(self, number: int = 0) -> str:
        return (self._logs / f"worker-{number}.log").read_text("utf-8")

    def last_words(self) -> str:
        """How each worker ended, and the end of what it said."""
        return "\n\n".join(
            f"worker {number}, exit code {process.poll()}:\n{self.log(number)[-3000:]}"
            for number, process in enumerate(self.processes)
        )


@contextmanager
def deployment(*args: Any) -> Iterator[Deployment]:
    deployed = Deployment(*args)
    try:
        yield deployed
    finally:
        for process in deployed.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
async def deployed(
    kafka: Broker, redis_url: str, namespace: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    with deployment(kafka.bootstrap, redis_url, namespace, tmp_path) as one:
        await create_topics(one.settings)
        yield one


@asynccontextmanager
async def producer(deployed: Deployment) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(bootstrap_servers=deployed.settings.kafka_bootstrap_servers)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def send(deployed: Deployment, events: Sequence[tuple[str, bytes]]) -> None:
    async with producer(deployed) as client:
        for topic, value in events:
            await client.send(deployed.names.prefix + topic, value, value[-24:])
        await client.flush()


@asynccontextmanager
async def reader(deployed: Deployment, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    client = AIOKafkaConsumer(
        bootstrap_servers=deployed.settings.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    await client.start()
    client.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
    try:
        yield client
    finally:
        await client.stop()


async def read(deployed: Deployment, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Records of a topic from its beginning, until there are enough."""
    found: list[Any] = []
    async with reader(deployed, topic) as client, asyncio.timeout(60):
        while not enough(found):
            for records in (await client.getmany(timeout_ms=200)).values():
                found += records
    return found


async def until(deployed: Deployment, count: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(60):
        while await count() < wanted:
            assert any(process.poll() is None for process in deployed.processes), (
                deployed.last_words()
            )
            await asyncio.sleep(0.1)


async def counts(deployed: Deployment) -> dict[str, int]:
    """The durable counters."""
    tables = open_tables(
        deployed.settings.redis_url,
        Options(PARTITIONS, namespace=deployed.settings.namespace, append_only=False),
    )
    await tables.open()
    try:
        found = await tables.counts(range(PARTITIONS))
        return {name: count for name, count in found.items() if count}
    finally:
        await tables.close()


def points(records: list[Any]) -> dict[bytes, int]:
    """The last points announced per consumer."""
    return {
        dict(r.headers)["ce_subject"]: orjson.loads(r.value)["points"]
        for r in records
        if dict(r.headers)["ce_type"] in (b"offer.issued.v1", b"offer.revised.v1")
    }


def union_points(records: list[Any]) -> dict[bytes, int]:
    return {key: n for key, n in points(records).items() if key.startswith(b"union.")}


def entries(records: list[Any]) -> dict[bytes, bytes]:
    """Ledger entries by their id; one id always has the same bytes."""
    found: dict[bytes, bytes] = {}
    for record in records:
        id_ = dict(record.headers)["ce_id"]
        assert found.setdefault(id_, record.value) == record.value
    return found


def balances(found: dict[bytes, bytes]) -> dict[str, int]:
    total: dict[str, int] = {}
    for value in found.values():
        entry = orjson.loads(value)
        total[entry["consumer_id"]] = total.get(entry["consumer_id"], 0) + entry["points"]
    return {consumer: balance for consumer, balance in total.items() if balance}


async def test_events_become_offers_and_sigterm_ends_a_worker_in_time(deployed: Deployment) -> None:
    (port,) = free_ports(1)
    now_ms = time.time_ns() // 1_000_000
    worker = deployed.start(SHADOWPOINTS_WEB_PORT=str(port))
    await send(deployed, [event for person in range(20) for event in shopper(person, now_ms)])
    await send(deployed, [("wechat.pay", b"not JSON")])

    offers = await read(
        deployed, deployed.names.channel(Channel.OFFERS), lambda f: len(union_points(f)) == 20
    )
    (dead,) = await read(deployed, deployed.names.dead_letters, bool)

    assert min(union_points(offers).values()) >= 1000
    assert dead.value == b"not JSON"
    assert await asyncio.to_thread(ask, port) is None
    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, STOP_S) == 0
    assert time.monotonic() - started < STOP_S
    said = await asyncio.to_thread(ask, port)
    assert said is not None
    assert said.startswith(f"No Shadowpoints process answers on 127.0.0.1:{port}: ")


async def test_workers_killed_and_stopped_and_joining_change_nothing(deployed: Deployment) -> None:
    now_ms = time.time_ns() // 1_000_000
    events = [event for person in range(60) for event in shopper(person, now_ms)]
    expected = LocalEngine(load_rules(), load_apps(), partitions=PARTITIONS)
    expected.clock_ms = now_ms
    for topic, value in events:
        expected.publish(topic, value[-24:], value)
    expected.settle()
    wanted = expected.counts()

    async def applied() -> int:
        return (await counts(deployed)).get("applied", 0)

    def half() -> list[tuple[str, bytes]]:
        return [events.pop() for _ in range(min(len(events), len(events) // 2 + 20))]

    first = deployed.start()
    deployed.start()
    await send(deployed, half())
    await until(deployed, applied, 50)
    first.kill()
    first.wait()
    await send(deployed, half())
    third = deployed.start()
    await until(deployed, applied, 600)
    await until(deployed, lambda: asyncio.to_thread(deployed.log(2).count, "Worker ready"), 1)
    third.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(third.wait, STOP_S) == 0
    await send(deployed, events)
    await until(deployed, applied, wanted["applied"])

    # What the killed worker had not committed was routed again, and known as such.
    found = await counts(deployed)
    found.pop("duplicate", None)
    assert found == wanted
    wanted_balances = balances(
        {dict(r.headers)["ce_id"]: r.value or b"" for r in expected.outputs["shadow.ledger"]}
    )
    ledger = deployed.names.channel(Channel.LEDGER)
    await read(deployed, ledger, lambda found: balances(entries(found)) == wanted_balances)
