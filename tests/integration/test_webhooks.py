# SPDX-License-Identifier: Apache-2.0
"""Webhooks on a broker, to the receiver of docs/webhooks.md; both are killed and come back."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.request import urlopen

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas import binary_headers, erased_headers
from stream.addressing.partitioning import entity_partition
from stream.commands.health_client import ask
from tests.integration.cluster import Cluster
from tests.services.process import free_ports
from tests.services.receiver import WebhookReceiver
from tests.support import commands
from tests.support.commands import SHADOWPOINTS

pytestmark = pytest.mark.integration

SOURCE = "urn:shadowpoints:test"
_METRIC = "shadowpoints_webhooks_"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as server:
        yield server


NewCrm = Callable[..., Cluster]


@pytest.fixture
def new_crm(receiver: WebhookReceiver, new_cluster: Callable[..., Cluster]) -> NewCrm:
    """Give a maker of deployments whose CRM is the receiver."""

    def make(**settings: str) -> Cluster:
        return new_cluster(
            WEBHOOK_URL=receiver.url,
            WEBHOOK_SECRET_FILE=str(receiver.secret_file),
            WEBHOOK_TIMEOUT_S="2",
            WEB_PORT=str(free_ports(1)[0]),
            **settings,
        )

    return make


@contextmanager
def webhooks(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """The process, killed at the end."""
    log = cluster.logs / "webhooks.log"
    process = commands.start([*SHADOWPOINTS, "webhooks"], cluster.environment, log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def publish(cluster: Cluster, events: Sequence[tuple[str, str]], abort: bool = False) -> None:
    """Publish events, each an id and a subject, as workers do; or abort them."""
    async with AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap,
        acks="all",
        transactional_id=f"{cluster.namespace}-{abort}",
    ) as producer:
        await producer.begin_transaction()
        for id_, subject in events:
            headers = binary_headers("offer.revised.v1", id_, SOURCE, now_ms(), subject)
            value = orjson.dumps({"consumer_id": subject, "text": "现在注册"})
            partition = entity_partition(subject, cluster.partitions)
            await producer.send(topic(cluster), value, id_.encode(), partition, headers=headers)
        await (producer.abort_transaction if abort else producer.commit_transaction)()


async def forget(cluster: Cluster, id_: str, subject: str) -> None:
    """Publish the tombstone of an event."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all") as producer:
        headers = erased_headers(f"erased-{id_}", SOURCE, now_ms(), id_)
        partition = entity_partition(subject, cluster.partitions)
        await producer.send_and_wait(topic(cluster), None, id_.encode(), partition, headers=headers)


def topic(cluster: Cluster) -> str:
    return cluster.names.webhooks[0]


def now_ms() -> int:
    return int(time.time() * 1000)


def people(number: int) -> list[str]:
    return [f"union.abc-brand.uPerson{n:08}" for n in range(number)]


async def until(condition: Callable[[], Any], cluster: Cluster, within_s: float = 120) -> None:
    end = time.monotonic() + within_s
    while not condition():
        log = (cluster.logs / "webhooks.log").read_text()
        assert time.monotonic() < end, log
        await asyncio.sleep(0.05)


def metric(cluster: Cluster, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{cluster.settings['WEB_PORT']}/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    (number,) = (line.split()[1] for line in lines if line.startswith(f"{_METRIC}{name} "))
    return float(number)


async def uncommitted(cluster: Cluster) -> dict[TopicPartition, int]:
    """How many offsets of each partition the group has not passed, where there are any."""
    async with cluster.admin() as admin:
        found = await admin.list_consumer_group_offsets(f"{cluster.namespace}-webhooks")
    async with AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap) as consumer:
        places = [TopicPartition(topic(cluster), p) for p in range(cluster.partitions)]
        ends = await consumer.end_offsets(places)
    lags = {at: ends[at] - (found[at].offset if at in found else 0) for at in places}
    return {at: lag for at, lag in lags.items() if lag}


async def committed(cluster: Cluster) -> None:
    """Wait until all is committed."""
    end = time.monotonic() + 20
    while lags := await uncommitted(cluster):
        assert time.monotonic() < end, lags
        await asyncio.sleep(0.2)


async def test_each_event_arrives_once_by_id_and_in_order_whoever_is_killed(
    new_crm: NewCrm, receiver: WebhookReceiver
) -> None:
    crm = new_crm()
    random, subjects = Random(7), people(40)

    async def more_requests(number: int) -> None:
        there = len(receiver.requests())
        await until(lambda: len(receiver.requests()) >= there + number, crm)

    events = [(f"e-{n:04}", random.choice(subjects)) for n in range(1_500)]
    await publish(crm, events[:500])
    await publish(crm, [("aborted-1", subjects[0])], abort=True)
    for round_ in (1, 2):
        with webhooks(crm):
            await more_requests(60)
            receiver.kill()
            await publish(crm, events[500 * round_ : 500 * (round_ + 1)])
            await asyncio.sleep(1)
            receiver.start()
            await more_requests(60)
    assert await uncommitted(crm)  # killed under way
    with webhooks(crm) as process:
        await until(lambda: len(receiver.events()) >= len(events), crm)
        await committed(crm)
        assert await asyncio.to_thread(ask, int(crm.settings["WEB_PORT"])) is None
        process.terminate()
        assert process.wait(10) == 0

    taken = receiver.events()
    assert len(taken) == len({event["id"] for event in taken})
    for subject in subjects:
        hers = [event["id"] for event in taken if event["subject"] == subject]
        assert hers == [id_ for id_, who in events if who == subject]
    again = Counter(receiver.requests())
    assert 0 < sum(again.values()) - len(events) < 500  # sent again are those under way
    assert await crm.dead_letters() == []
    assert not re.search(r"uPerson|\be-\d|/in\b", (crm.logs / "webhooks.log").read_text())


async def test_a_consumer_whose_events_fail_holds_up_nobody_and_becomes_dead_letters(
    new_crm: NewCrm, receiver: WebhookReceiver
) -> None:
    crm = new_crm(WEBHOOK_GIVE_UP_S="4")
    refused, failing, erased, *others = people(20)
    receiver.reply({refused: 410, failing: 503, erased: 500})
    await publish(crm, [("r-1", refused), ("f-1", failing), ("x-1", erased), ("r-2", refused)])
    await publish(crm, [("f-2", failing)] + [(f"o-{n}", who) for n, who in enumerate(others)])
    with webhooks(crm):
        await until(lambda: len(receiver.events()) == len(others), crm, 15)
        await forget(crm, "x-1", erased)
        await until(lambda: "erased-x-1" in [e["id"] for e in receiver.events()], crm)
        await committed(crm)

    letters = {letter.id: letter for letter in await crm.dead_letters()}
    reasons = {
        id_: letter.headers["__connect.errors.exception.class.name"].decode()
        for id_, letter in letters.items()
    }
    assert reasons == {
        **dict.fromkeys(["r-1", "r-2"], "webhook_refused"),
        **dict.fromkeys(["f-1", "f-2"], "webhook_failed"),
    }
    message = letters["f-1"].headers["__connect.errors.exception.message"].decode()
    assert re.search(r"did not take the event \(status 503, after [2-9] attempts\)", message)
    counts = Counter(receiver.requests())
    assert (counts["r-1"], counts["erased-x-1"]) == (1, 1)
    assert counts["f-1"] >= 2

    # one is erased, one consumer's are not taken yet; then all, each once
    await crm.erase([letters["r-2"]])
    receiver.reply({failing: 503})
    replay = ("webhooks", "replay", "--yes")
    assert (await asyncio.to_thread(crm.run, *replay)).splitlines() == [
        "1 replayed",
        "  1 webhook_refused",
        "1 erased, left out",
        "2 not taken, so they stay dead letters",
    ]
    receiver.reply({})
    said = await asyncio.to_thread(crm.run, *replay, "--reason", "webhook_failed")
    assert said.splitlines()[0] == "2 replayed"
    taken = [e["id"] for e in receiver.events() if e["id"][0] in "rf"]
    assert taken == ["r-1", "f-1", "f-2"]
    assert "x-1" not in [event["id"] for event in receiver.events()]
    other = await asyncio.to_thread(crm.run, "dlq", "replay", "--dry-run")
    assert other.splitlines() == ["0 to replay", "4 not replayed by this command, left out"]


async def test_too_many_waiting_events_hold_up_their_partition_alone(
    new_crm: NewCrm, receiver: WebhookReceiver
) -> None:
    crm = new_crm(WEBHOOK_WAITING_MAX="1000")
    where = {who: entity_partition(who, crm.partitions) for who in people(20)}
    failing, partition = next(iter(where.items()))
    behind = next(who for who, p in where.items() if p == partition and who != failing)
    elsewhere = next(who for who, p in where.items() if p != partition)
    receiver.reply({failing: 500})
    hers = [f"f-{n:04}" for n in range(1_600)]
    await publish(crm, [(id_, failing) for id_ in hers])
    await publish(crm, [("b-1", behind), ("e-1", elsewhere)])
    with webhooks(crm):
        await until(lambda: [e["id"] for e in receiver.events()] == ["e-1"], crm)
        await until(lambda: metric(crm, "full_partitions") == 1, crm)
        await asyncio.sleep(2)
        assert 500 < metric(crm, "waiting") <= 1_000
        assert [event["id"] for event in receiver.events()] == ["e-1"]
        receiver.reply({})
        await until(lambda: len(receiver.events()) == len(hers) + 2, crm)
        await committed(crm)
        assert metric(crm, "waiting") == metric(crm, "full_partitions") == 0
    assert [e["id"] for e in receiver.events() if e["subject"] == failing] == hers
