"""A flood of bad records ends the worker instead of going to the dead letters quietly."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.integration.cluster import Cluster, Source
from tests.integration.test_poison import payment

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


@pytest.mark.timeout(180)
async def test_a_flood_ends_the_worker_until_the_operator_acts(cluster: Cluster) -> None:
    topic = cluster.names.prefix + "wechat.pay"
    flood: list[Source] = [("wechat.pay", b"k", b"{", [])] * 600
    await cluster.publish([*flood, ("wechat.pay", b"k", payment(), [])])

    for start in range(2):  # a restart reads the same again, and ends the same way
        worker = cluster.start_worker()
        assert await asyncio.to_thread(worker.wait, 60) == 1
        log = (cluster.logs / f"worker-{start}.log").read_text("utf-8")
        assert "source records would become dead letters" in log
        assert "SHADOWPOINTS_DEAD_LETTER_SHARE_MAX=1" in log
        assert await cluster.dead_letters() == []
        assert await committed(cluster, topic) == 0

    cluster.settings["DEAD_LETTER_SHARE_MAX"] = "1"
    cluster.start_worker()
    await cluster.settled()
    cluster.stop_workers()
    assert len(await cluster.dead_letters()) == 600
    assert cluster.counts() == {"parked": 1}
