from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    TopicAuthorizationFailedError,
)

from stream.runtime.metrics import Metrics
from stream.runtime.partitioning import partition_of
from stream.runtime.publisher import Publisher
from stream.tables import Record


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


class FakeBatch:
    """Takes three records."""

    def __init__(self) -> None:
        self.keys: list[bytes | None] = []
        self.values: list[bytes] = []

    def append(
        self, *, key: bytes | None, value: bytes, timestamp: None, headers: list[Any]
    ) -> object:
        if len(self.values) == 3 or value == b"huge":
            return None
        self.keys.append(key)
        self.values.append(value)
        return self

    def close(self) -> None:
        pass


class FakeCluster:
    """What producers of one test reach; ``failures`` are raised by the next acknowledgements."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.log: list[tuple[str, int, list[bytes]]] = []
        self.keys: list[bytes | None] = []  # of all attempts
        self.producers: list[FakeProducer] = []

    def producer(self) -> FakeProducer:
        self.producers.append(FakeProducer(self))
        return self.producers[-1]


class FakeProducer:
    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster, self.running = cluster, False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(4))

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(
        self, batch: FakeBatch, topic: str, *, partition: int
    ) -> asyncio.Future[None]:
        self.cluster.keys += batch.keys
        return self._answer(topic, partition, batch.values)

    async def send(
        self, topic: str, value: bytes, key: bytes | None, *, partition: int, headers: list[Any]
    ) -> asyncio.Future[None]:
        self.cluster.keys.append(key)
        return self._answer(topic, partition, [value])

    def _answer(self, topic: str, partition: int, values: list[bytes]) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.cluster.failures:
            answer.set_exception(self.cluster.failures.pop(0))
        else:
            self.cluster.log.append((topic, partition, values))
            answer.set_result(None)
        return answer


@asynccontextmanager
async def publisher(
    cluster: FakeCluster, unique_keys_on: str | None = None
) -> AsyncIterator[Publisher]:
    service = Publisher("nowhere:1", new_producer=cluster.producer, unique_keys_on=unique_keys_on)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def records(*values: bytes, partition: int | None = 0, key: bytes | None = b"k") -> list[Record]:
    return [Record("t", key, value, (), partition) for value in values]


async def test_batches_keep_the_order_and_a_record_too_large_for_one_goes_alone() -> None:
    cluster = FakeCluster()
    async with publisher(cluster) as service:
        await service.publish(records(b"1", b"2", b"3", b"4", b"huge", b"5"))

    assert [values for _, _, values in cluster.log] == [
        [b"1", b"2", b"3"],
        [b"4"],
        [b"huge"],
        [b"5"],
    ]


async def test_a_batch_which_fails_is_in_before_the_next_is_sent() -> None:
    cluster = FakeCluster(KafkaTimeoutError(), KafkaConnectionError(), OSError())
    async with publisher(cluster) as service:
        await service.publish(records(b"1", b"2", b"3", b"4"))

    assert [values for _, _, values in cluster.log] == [[b"1", b"2", b"3"], [b"4"]]
    assert len(cluster.producers) == 1


async def test_a_producer_which_lost_its_sequence_is_replaced() -> None:
    cluster = FakeCluster(OutOfOrderSequenceNumber())
    async with publisher(cluster) as service:
        await service.publish(records(b"1"))
        assert [producer.running for producer in cluster.producers] == [False, True]

    assert [values for _, _, values in cluster.log] == [[b"1"]]
    assert [producer.running for producer in cluster.producers] == [False, False]


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), TopicAuthorizationFailedError()])
async def test_what_cannot_pass_is_raised(error: Exception) -> None:
    cluster = FakeCluster(error)
    async with publisher(cluster) as service:
        with pytest.raises(type(error)):
            await service.publish(records(b"1") + records(b"2", partition=1))


async def test_the_key_decides_where_no_partition_is_given() -> None:
    cluster = FakeCluster()
    async with publisher(cluster) as service:
        await service.publish(records(b"1", partition=None, key=b"some-key"))

    assert cluster.log == [("t", partition_of(b"some-key", 4), [b"1"])]


async def test_keys_are_new_with_each_attempt_and_each_publisher() -> None:
    cluster = FakeCluster(KafkaTimeoutError())  # a batch which may be in all the same
    mine = records(b"1", b"2", b"huge", key=None)
    for _ in range(2):
        async with publisher(cluster, unique_keys_on="t") as service:
            await service.publish(mine)
            await service.publish(mine)

    assert len(cluster.keys) == 4 * 3 + 2
    assert len(set(cluster.keys)) == len(cluster.keys)
    assert {len(key or b"") for key in cluster.keys} == {16}


async def test_a_key_which_is_there_stays_and_other_topics_may_have_none() -> None:
    cluster = FakeCluster()
    async with publisher(cluster, unique_keys_on="t") as service:
        await service.publish(records(b"1"))
        await service.publish([Record("source", None, b"2", (), 0)])
    async with publisher(cluster) as service:
        await service.publish(records(b"3", key=None))

    assert cluster.keys == [b"k", None, None]


async def test_nothing_to_publish_is_fine_before_the_start() -> None:
    await Publisher("nowhere:1").publish([])


# --- on a real broker ------------------------------------------------------------------------


@asynccontextmanager
async def topic_of(bootstrap: str, name: str, **configs: str) -> AsyncIterator[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1, topic_configs=configs)])
        yield name
    finally:
        await admin.close()


async def consume(bootstrap: str, topic: str, count: int) -> dict[int, list[Any]]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8_000_000,
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, p) for p in range(2)])
    found: dict[int, list[Any]] = {0: [], 1: []}
    try:
        async with asyncio.timeout(30):
            while sum(map(len, found.values())) < count:
                for tp, fetched in (await consumer.getmany(timeout_ms=200)).items():
                    found[tp.partition] += fetched
    finally:
        await consumer.stop()
    return found


@pytest.mark.integration
async def test_a_real_broker_gets_all_records_in_order(kafka: Broker, namespace: str) -> None:
    metrics = Metrics()
    service = Publisher(kafka.bootstrap, metrics=metrics, batch_bytes_max=2000)
    headers = (("ce_id", b"1"),)
    async with topic_of(kafka.bootstrap, namespace, **{"max.message.bytes": "4000000"}) as topic:
        mine = [
            Record(
                topic, b"key-%d" % n, b"%d " % n + b"x" * (3_000_000 if n == 50 else 60), headers
            )
            for n in range(300)
        ]
        await service.start()
        try:
            await asyncio.gather(service.publish(mine), service.publish([]))
        finally:
            await service.stop()
        found = await consume(kafka.bootstrap, topic, 300)

    for partition, records_ in found.items():
        expected = [r.value for r in mine if partition_of(r.key or b"", 2) == partition]
        assert [record.value for record in records_] == expected
        assert all(record.headers == headers for record in records_)
    assert "shadowpoints_publish_retries_total 0.0" in metrics.text().decode()


@pytest.mark.integration
async def test_publishing_outlives_the_broker(new_kafka: Callable[[], Any], namespace: str) -> None:
    broker = await asyncio.to_thread(new_kafka)
    service = Publisher(broker.bootstrap, request_timeout_s=3.0)
    async with topic_of(broker.bootstrap, namespace) as topic:
        await service.start()
        try:
            await service.publish([Record(topic, b"k", b"0", (), 0)])
            await asyncio.to_thread(broker.kill)
            waiting = asyncio.create_task(
                service.publish([Record(topic, b"k", b"%d" % n, (), 0) for n in range(1, 100)])
            )
            await asyncio.sleep(4)
            assert not waiting.done()
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(40):
                await waiting
        finally:
            await service.stop()
        found = await consume(broker.bootstrap, topic, 100)

    assert [int(record.value) for record in found[0]] == list(range(100))
