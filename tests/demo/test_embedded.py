# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from confluent_kafka import Producer

from stream.addressing.topics import TopicNames
from stream.demo.embedded import PARTITIONS, EmbeddedBroker, RecordsLost

NAMES = TopicNames("demo-test.")


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics(NAMES.all())
        yield running


def test_topics_have_the_partitions_which_the_demo_counts_on(broker: EmbeddedBroker) -> None:
    found = Producer({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=30).topics

    assert {name: len(found[name].partitions) for name in NAMES.all()} == dict.fromkeys(
        NAMES.all(), PARTITIONS
    )


def test_a_log_which_is_complete_passes(broker: EmbeddedBroker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(NAMES.resolved, b"x")
    assert producer.flush(10) == 0

    broker.check_nothing_lost()


def test_a_day_which_is_too_big_is_noticed(broker: EmbeddedBroker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    noise = Random(1).randbytes(200_000)
    for _ in range(40):
        producer.produce(NAMES.resolved, noise, partition=2)
        producer.flush(10)

    with pytest.raises(RecordsLost, match=r"dropped \d+ records of demo-test.shadow.resolved-2"):
        broker.check_nothing_lost()


def test_two_brokers_know_nothing_of_each_other(broker: EmbeddedBroker) -> None:
    with EmbeddedBroker() as other:
        client = Producer({"bootstrap.servers": other.bootstrap})
        assert NAMES.resolved not in client.list_topics(timeout=30).topics
