# SPDX-License-Identifier: Apache-2.0
"""What a producer's transaction aborted did not happen, and its markers are no lag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.conftest import Kafka
from tests.faults.till import SETTLED_S, deployed, payment, payments, posted
from tests.integration.cluster import Cluster

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(400)]


@pytest.fixture
def cluster(kafka: Kafka, redis_url: str, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with deployed(kafka.bootstrap, redis_url, namespace, tmp_path) as cluster:
        yield cluster


def relay(cluster: Cluster) -> Producer:
    """An outbox relay: a producer which writes in transactions."""
    options = {"bootstrap.servers": cluster.bootstrap, "transactional.id": cluster.namespace}
    producer = Producer(options)
    producer.init_transactions(30)
    return producer


def write(producer: Producer, topic: str, values: list[bytes]) -> None:
    """Begin a transaction and see that its records are in the log."""
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


async def test_what_is_aborted_counts_nothing_and_its_markers_are_no_lag(cluster: Cluster) -> None:
    cluster.start_worker()
    producer, topic = relay(cluster), cluster.names.prefix + "wechat.pay"
    write(producer, topic, [payment(n) for n in range(3)])
    producer.commit_transaction(30)
    await cluster.settled(SETTLED_S)  # the committed offset is behind the marker, which is the last
    assert await posted(cluster) == 3

    write(producer, topic, [payment(n) for n in range(3, 8)])
    await cluster.publish([*payments([8])])  # behind records that are still open
    assert await posted(cluster) == 3
    producer.abort_transaction(30)
    await cluster.settled(SETTLED_S)

    assert await posted(cluster) == 4
    assert cluster.counts()["applied"] == 4
    assert await cluster.dead_letters() == []


async def test_a_marker_in_the_resolved_log_is_no_lag_either(cluster: Cluster) -> None:
    cluster.start_worker()
    await cluster.publish(payments(range(3)))
    await cluster.settled(SETTLED_S)
    producer = relay(cluster)
    producer.begin_transaction()
    producer.produce(cluster.names.resolved, b"not ours", b"key")
    assert producer.flush(30) == 0
    producer.abort_transaction(30)

    await cluster.settled(SETTLED_S)
    cluster.stop_workers()
    cluster.start_worker()
    await cluster.publish(payments(range(3, 5)))
    await cluster.settled(SETTLED_S)

    assert await posted(cluster) == 5
    assert await cluster.dead_letters() == []
