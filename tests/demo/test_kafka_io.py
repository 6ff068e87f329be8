# SPDX-License-Identifier: Apache-2.0
"""The demo's producer and reader on the embedded broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas import Reason, binary_headers, dead_letter_headers
from stream.addressing.topics import TopicNames
from stream.demo.day import Day
from stream.demo.embedded import PARTITIONS, EmbeddedBroker
from stream.demo.kafka_io import Feed, Reader

NAMES = TopicNames("reader-test.")
OFFERS = "reader-test.shadow.offers"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        running.create_topics(NAMES.all())
        yield running


@pytest.fixture
async def reader(broker: EmbeddedBroker) -> AsyncIterator[Reader]:
    reader = Reader(broker.bootstrap, NAMES, PARTITIONS)
    await reader.start()
    yield reader
    await reader.stop()


def publish(
    broker: EmbeddedBroker,
    topic: str,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] = (),
    partition: int = 0,
) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, value, headers=dict(headers), partition=partition)
    assert producer.flush(10) == 0


def publish_offer(broker: EmbeddedBroker, type_: str) -> None:
    text = {"zh-CN": "领取 9 积分", "en": "Get 9 points"}
    data = {"offer_id": "o-1", "consumer_id": "union.a.o1", "points": 9, "text": text}
    headers = binary_headers(type_, "id-1", "urn:test", 1_770_000_000_000)
    publish(broker, OFFERS, orjson.dumps(data), headers)


async def read_until_all(reader: Reader) -> None:
    task = asyncio.create_task(reader.run())
    try:
        for _ in range(200):
            if await reader.has_all():
                return
            await asyncio.sleep(0.05)
        pytest.fail("the reader did not read everything within 10 s")
    finally:
        task.cancel()


async def test_the_first_offer_is_noticed(broker: EmbeddedBroker, reader: Reader) -> None:
    publish_offer(broker, "offer.issued.v1")
    assert not await reader.has_all()
    before = reader.first_offer_at_s

    await read_until_all(reader)

    assert before is None
    assert reader.first_offer_at_s is not None
    assert reader.outputs.live["union.a.o1"].points == 9


async def test_dead_letters_are_counted_by_reason(broker: EmbeddedBroker, reader: Reader) -> None:
    headers = dead_letter_headers(
        [],
        topic="wechat.pay",
        partition=0,
        offset=0,
        stage="identify",
        reason=Reason.UNKNOWN_APP,
        message="",
    )
    publish(broker, NAMES.dead_letters, b"\xff", headers)

    await read_until_all(reader)

    assert reader.outputs.dead == {"unknown_app": 1}


async def test_tombstones_are_passed_over(broker: EmbeddedBroker, reader: Reader) -> None:
    publish(broker, NAMES.dead_letters, None)
    publish(broker, OFFERS, None)
    publish_offer(broker, "offer.issued.v1")

    await read_until_all(reader)

    assert reader.outputs.dead == {}
    assert reader.outputs.live.keys() == {"union.a.o1"}


async def test_the_end_of_the_resolved_log_is_known(broker: EmbeddedBroker, reader: Reader) -> None:
    publish(broker, NAMES.resolved, b"x", partition=2)

    assert await reader.resolved_ends() == [0, 0, 1, 0]


async def test_a_day_is_published_as_it_is(broker: EmbeddedBroker, day: Day) -> None:
    feed = Feed(broker.bootstrap, NAMES, ahead_max=len(day.records))
    some = day.records[:1_200]

    await feed.run(some)

    assert feed.published == len(some)
    found = await asyncio.to_thread(read_sources, broker.bootstrap, len(some))
    expected = [(NAMES.prefix + r.topic, r.time_ms, r.key, r.value, dict(r.headers)) for r in some]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


async def test_the_feed_does_not_run_far_ahead(broker: EmbeddedBroker, day: Day) -> None:
    feed = Feed(broker.bootstrap, NAMES, ahead_max=2_500)
    task = asyncio.create_task(feed.run(day.records))
    await asyncio.sleep(1.0)
    ahead = feed.published

    feed.set_handled(len(day.records))
    await task

    assert 0 < ahead <= 2_500
    assert feed.published == len(day.records) == 4_000


def read_sources(bootstrap: str, count: int) -> list[tuple[object, ...]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    consumer.assign([TopicPartition(t, p, 0) for t in NAMES.sources for p in range(PARTITIONS)])
    found: list[tuple[object, ...]] = []
    try:
        for _ in range(100):
            if len(found) >= count:
                break
            messages = consumer.consume(500, timeout=0.1)
            found += [
                (m.topic(), m.timestamp()[1], m.key(), m.value(), dict(m.headers() or []))
                for m in messages
            ]
    finally:
        consumer.close()
    return found
