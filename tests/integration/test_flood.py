# SPDX-License-Identifier: Apache-2.0
"""A flood of bad records halts its partition instead of going to the dead letters quietly."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from stream.addressing.partitioning import partition_of
from stream.commands.health_client import ask
from tests.integration.cluster import Cluster, Source
from tests.integration.test_poison import payment
from tests.services.process import free_ports

pytestmark = pytest.mark.integration


async def committed(cluster: Cluster, topic: str) -> int:
    """Source records of a topic which the consumer group has acknowledged."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=cluster.bootstrap, group_id=cluster.namespace, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, p) for p in range(cluster.partitions)]
        return sum([await consumer.committed(place) or 0 for place in places])
    finally:
        await consumer.stop()


def is_halted(log: Path) -> bool:
    return "is halted" in log.read_text("utf-8")


def is_parked(cluster: Cluster, records: int) -> bool:
    return cluster.counts() == {"parked": records}


def elsewhere(cluster: Cluster) -> bytes:
    """A key of another partition than that of ``b"k"``."""
    return next(
        key
        for key in (f"k{n}".encode() for n in range(100))
        if partition_of(key, cluster.partitions) != partition_of(b"k", cluster.partitions)
    )


@pytest.mark.timeout(360)
async def test_a_flood_halts_its_partition_until_the_operator_acts(cluster: Cluster) -> None:
    topic = cluster.names.prefix + "wechat.pay"
    halted = partition_of(b"k", cluster.partitions)
    (port,) = free_ports(1)
    cluster.settings["WEB_PORT"] = str(port)
    flood: list[Source] = [("wechat.pay", b"k", b"{", [])] * 600
    await cluster.publish([*flood, ("wechat.pay", b"k", payment(), [])])

    for start in range(2):  # a restart reads the same again, and halts the same way
        worker = cluster.start_worker()
        log = cluster.logs / f"worker-{start}.log"
        await cluster.until(partial(is_halted, log), 60, "halted")
        assert "source records would become dead letters" in log.read_text("utf-8")
        assert f"shadowpoints sources resume {topic} {halted}" in log.read_text("utf-8")

        other = payment(transaction_id=f"420000000020261122000000010{start}")
        await cluster.publish([("wechat.pay", elsewhere(cluster), other, [])])
        await cluster.until(partial(is_parked, cluster, start + 1), 60, "parked")
        assert await cluster.dead_letters() == []
        said = await asyncio.to_thread(ask, port)
        assert said == f"Not ready: {topic}-{halted} is halted by a flood of dead letters."
        if start == 0:
            assert cluster.stop_worker(worker) == 0
            assert await committed(cluster, topic) == start + 1

    printed = await asyncio.to_thread(cluster.run, "sources", "resume", "wechat.pay", str(halted))
    assert printed == f"{topic}-{halted} resumes; the limit does not hold below offset 601\n"
    await cluster.settled()
    assert await asyncio.to_thread(ask, port) is None
    assert len(await cluster.dead_letters()) == 600
    assert cluster.counts() == {"parked": 3}

    await cluster.publish(flood)  # what comes later is counted as ever
    await cluster.until(lambda: asyncio.to_thread(ask, port), 60, "halted again")
    assert len(await cluster.dead_letters()) == 600
    cluster.stop_workers()

    # Who starts after the operator's word hears it, too.
    await asyncio.to_thread(cluster.run, "sources", "resume", topic, str(halted))
    cluster.start_worker()
    await cluster.settled()
    cluster.stop_workers()
    assert len(await cluster.dead_letters()) == 1_200
    assert cluster.counts() == {"parked": 3}


async def test_a_worker_which_is_far_behind_says_so(cluster: Cluster) -> None:
    (port,) = free_ports(1)
    cluster.settings |= {"WEB_PORT": str(port), "READY_LAG_MAX": "100"}
    flood: list[Source] = [("wechat.pay", b"k", b"{", [])] * 600
    await cluster.publish(flood)
    cluster.start_worker()
    await cluster.until(partial(is_halted, cluster.logs / "worker-0.log"), 60, "halted")
    await cluster.publish([("wechat.pay", b"k", payment(), [])] * 101)

    def behind() -> bool:
        return "101 records wait for this worker" in (ask(port) or "")

    await cluster.until(partial(asyncio.to_thread, behind), 30, "it does not say so")
    assert "more than SHADOWPOINTS_READY_LAG_MAX allows" in (
        await asyncio.to_thread(ask, port) or ""
    )
