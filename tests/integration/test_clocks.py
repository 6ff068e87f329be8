# SPDX-License-Identifier: Apache-2.0
"""No clock but the brokers' decides anything: neither a worker's nor a producer's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas import dead_letter
from tests.integration.cluster import Cluster
from tests.integration.till import POINTS, payment, payments, posted, rules_in
from tests.support.skew import clock_wrong_by

pytestmark = pytest.mark.integration


async def ended(cluster: Cluster, number: int) -> str:
    """What a worker has said by its end, which was a failure."""
    code = await asyncio.to_thread(cluster.workers[number].wait, 30)
    assert code == 1, cluster.log_tails()
    return (cluster.logs / f"worker-{number}.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (timedelta(days=800), "This machine's clock is 69,120,0"),
        (timedelta(minutes=-20), "This machine's clock is 1,"),
    ],
    ids=["800 days ahead", "20 minutes behind"],
)
async def test_a_worker_whose_clock_is_wrong_changes_no_account(
    new_cluster: Callable[..., Cluster], tmp_path: Path, by: timedelta, said: str
) -> None:
    cluster = new_cluster(2, RULES=rules_in(tmp_path))
    cluster.supervised = True
    cluster.start_worker()
    await cluster.publish(payments(5))
    await cluster.settled()
    cluster.stop_workers()

    cluster.start_worker(**clock_wrong_by(by, tmp_path))
    await cluster.publish(payments(2))
    log = await ended(cluster, 1)
    assert said in log, log
    assert "set whichever is wrong (NTP)" in log

    cluster.start_worker()
    await cluster.publish(payments(3))
    await cluster.settled()
    counts = cluster.counts()
    assert counts.pop("applied") == 10
    assert counts.keys() <= {"duplicate"}
    assert await cluster.dead_letters() == []
    assert await posted(cluster) == 10 * POINTS


async def publish_at(cluster: Cluster, value: bytes, at: datetime) -> None:
    """With a time of the record that the producer chooses, as the JavaScript SDK does."""
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        topic, at_ms = cluster.names.prefix + "wechat.pay", int(at.timestamp() * 1000)
        await producer.send_and_wait(topic, value, timestamp_ms=at_ms)


async def test_the_time_of_a_record_is_not_the_producers(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = new_cluster(1, RULES=rules_in(tmp_path), PAYMENT_HORIZON_DAYS="35")
    cluster.start_worker()
    old, young = timedelta(days=50), timedelta(days=10)
    now = datetime.now(UTC)
    # As old as the events, so that Kafka would delete them, and within the horizon of each other.
    await publish_at(cluster, payment(old), now - old)
    await publish_at(cluster, payment(young), now - young)
    await publish_at(cluster, payment(), now + timedelta(days=800))
    await cluster.settled()
    [letter] = await cluster.dead_letters()
    assert letter.headers[dead_letter.REASON] == b"too_late"
    assert await posted(cluster) == 2 * POINTS


async def test_a_broker_which_refuses_a_workers_time_is_reported_in_a_sentence(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = new_cluster(1, RULES=rules_in(tmp_path), CHECK_TOPICS="false")
    cluster.supervised = True
    own = {"message.timestamp.type": "CreateTime", "cleanup.policy": "compact"}
    async with cluster.admin() as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, cluster.names.resolved, own)]
        )
    cluster.start_worker(**clock_wrong_by(timedelta(days=800), tmp_path))
    await cluster.publish(payments(1))

    assert f"refuses the time of a record for {cluster.names.resolved}" in await ended(cluster, 0)

    cluster.start_worker()
    await cluster.settled()
    assert await posted(cluster) == POINTS
