# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
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

from schemas.dead_letter import MESSAGE, PARTITION, REASON, TOPIC
from stream.addressing.partitioning import partition_of
from stream.addressing.topics import TopicNames
from stream.engine.model.decision import Channel
from stream.kafka.dead_letters import id_of, refused_record
from stream.kafka.publisher import Publisher
from stream.process.worker_metrics import Metrics
from stream.tables import Commit, MemoryTables, Record
from stream.worker.reward import RewardStage


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
    """What producers of one test reach; ``failures`` are raised by the next acknowledgements.

    The topic ``t`` refuses what begins with ``refuses``.
    """

    def __init__(self, *failures: Exception, refuses: bytes | None = None) -> None:
        self.failures, self.refuses = list(failures), refuses
        self.log: list[tuple[str, int, list[bytes]]] = []
        self.keys: list[bytes | None] = []  # of all attempts
        self.producers: list[FakeProducer] = []

    def does_refuse(self, value: bytes) -> bool:
        return self.refuses is not None and value.startswith(self.refuses)

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
    ) -> asyncio.Future[Any]:
        self.cluster.keys += batch.keys
        return self._answer(topic, partition, batch.values)

    async def send(
        self, topic: str, value: bytes, key: bytes | None, *, partition: int, headers: list[Any]
    ) -> asyncio.Future[Any]:
        self.cluster.keys.append(key)
        return self._answer(topic, partition, [value])

    def _answer(self, topic: str, partition: int, values: list[bytes]) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.cluster.failures:
            answer.set_exception(self.cluster.failures.pop(0))
        elif topic == "t" and any(self.cluster.does_refuse(value) for value in values):
            answer.set_exception(MessageSizeTooLargeError())
        else:
            self.cluster.log.append((topic, partition, values))
            answer.set_result(SimpleNamespace(timestamp_type=0))
        return answer


@asynccontextmanager
async def running(service: Publisher) -> AsyncIterator[Publisher]:
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def publisher(
    cluster: FakeCluster, unique_keys_on: str | None = None
) -> AsyncIterator[Publisher]:
    service = Publisher("nowhere:1", new_producer=cluster.producer, unique_keys_on=unique_keys_on)
    async with running(service):
        yield service


def records(*values: bytes, partition: int | None = 0, key: bytes | None = b"k") -> list[Record]:
    return [Record("t", key, value, (), partition) for value in values]


async def test_batches_keep_the_order_and_a_record_too_large_for_one_goes_alone() -> None:
    cluster = FakeCluster()
    async with publisher(cluster) as service:
        await service.publish(records(b"1", b"2", b"3", b"4", b"huge", b"5"))
    sent = [b" ".join(values) for _, _, values in cluster.log]
    assert sent == [b"1 2 3", b"4", b"huge", b"5"]


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


async def test_a_refused_record_is_found_in_its_batch_and_the_others_go_on_in_order() -> None:
    cluster, metrics = FakeCluster(refuses=b"big"), Metrics()
    new = cluster.producer
    service = Publisher("n:1", metrics=metrics, new_producer=new, replacement=put_aside)
    await service.start()
    await service.publish(records(b"1", b"2", b"big 1", b"3", b"huge", b"big 2", b"4"))
    taken = [(topic, value) for topic, _, values in cluster.log for value in values]
    assert [value for topic, value in taken if topic == "t"] == [b"1", b"2", b"3", b"huge", b"4"]
    assert [value for topic, value in taken if topic == "aside"] == [b"t-0 big 1", b"t-0 big 2"]
    counted = 'shadowpoints_dead_letters_total{reason="output_too_large"} 2.0'
    assert counted in metrics.text().decode()


async def test_where_there_is_nothing_instead_the_refusal_is_raised() -> None:
    cluster = FakeCluster(refuses=b"big")
    service = Publisher("n:1", new_producer=cluster.producer, replacement=lambda record, at: None)
    await service.start()
    with pytest.raises(MessageSizeTooLargeError):
        await service.publish(records(b"1", b"big"))


def put_aside(record: Record, partition: int) -> Record:
    value = b"%s-%d %s" % (record.topic.encode(), partition, record.value)
    return Record("aside", b"k", value, (), partition)


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
        async with asyncio.timeout(60):
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
        async with running(service):
            await asyncio.gather(service.publish(mine), service.publish([]))
        found = await consume(kafka.bootstrap, topic, 300)

    for partition, records_ in found.items():
        expected = [r.value for r in mine if partition_of(r.key or b"", 2) == partition]
        assert [record.value for record in records_] == expected
        assert all(record.headers == headers for record in records_)
    assert "shadowpoints_publish_retries_total 0.0" in metrics.text().decode()


@pytest.mark.integration
async def test_a_real_broker_refuses_some_for_their_size_and_gets_all_the_others(
    kafka: Broker, namespace: str
) -> None:
    """The topic takes less than a batch of ours, so nearly each batch is refused at first."""
    names, metrics = TopicNames(f"{namespace}-"), Metrics()
    service = Publisher(
        kafka.bootstrap,
        metrics=metrics,
        unique_keys_on=names.resolved,
        replacement=partial(refused_record, names),
    )
    topics = names.channel(Channel.OFFERS), names.resolved
    large = {7, 50, 51, 299}
    mine = [
        Record(
            topics[n % 2],
            None if n % 2 else b"key-%d" % n,
            b"%d " % n + b"x" * (12_000 if n in large else 600),
            () if n % 2 else (("ce_id", b"id-%d" % n), ("ce_subject", b"union.brand.uMei")),
            n // 2 % 2,
        )
        for n in range(300)
    ]
    async with (
        topic_of(kafka.bootstrap, topics[0], **{"max.message.bytes": "10000"}),
        topic_of(kafka.bootstrap, topics[1], **{"max.message.bytes": "10000"}),
        topic_of(kafka.bootstrap, names.dead_letters, **{"cleanup.policy": "compact"}),
    ):
        async with running(service):
            await service.publish(mine)
        found = [
            await consume(kafka.bootstrap, topic, n)
            for topic, n in zip(topics, (149, 147), strict=True)
        ]
        letters = await consume(kafka.bootstrap, names.dead_letters, len(large))

    for topic, by_partition in zip(topics, found, strict=True):
        for partition, got in by_partition.items():
            assert [record.value for record in got] == [
                r.value
                for n, r in enumerate(mine)
                if (r.topic, r.partition) == (topic, partition) and n not in large
            ]
    dead = {n: _letter_of(mine[n], letters) for n in large}
    for n, letter in dead.items():
        assert (letter.value, letter.partition) == (b"", mine[n].partition)
        headers = dict(letter.headers)
        assert headers[REASON] == b"output_too_large"
        assert (headers[TOPIC], headers[PARTITION]) == (
            mine[n].topic.encode(),
            str(mine[n].partition).encode(),
        )
        assert headers.get("ce_id") == (None if n % 2 else b"id-%d" % n)
    counted = 'shadowpoints_dead_letters_total{reason="output_too_large"} 4.0'
    assert counted in metrics.text().decode()


@pytest.mark.integration
async def test_a_worker_outlives_output_a_broker_refuses(kafka: Broker, namespace: str) -> None:
    names, tables = TopicNames(f"{namespace}-"), MemoryTables(2)
    offers = names.channel(Channel.OFFERS)
    subject = (("ce_id", b"large"),)
    pending = [
        Record(offers, b"a", b"1", (), 0),
        Record(offers, b"large", b"x" * 20_000, subject, 0),
        Record(offers, b"b", b"2", (), 0),
    ]
    claim = (await tables.claim([0], 1, "before"))[0]
    await tables.commit([Commit(0, claim.epoch, -1, 0, clock_ms=1, outputs=pending)])
    service = Publisher(kafka.bootstrap, replacement=partial(refused_record, names))
    stage = partial(RewardStage, partitions=2, namespace="n", owner="w")
    worker = stage(tables, service.publish, names=names)
    async with (
        topic_of(kafka.bootstrap, offers, **{"max.message.bytes": "10000"}),
        topic_of(kafka.bootstrap, names.dead_letters),
    ):
        async with running(service):
            assert await worker.claim([0], 2) == {0: 1}
        found = await consume(kafka.bootstrap, offers, 2)
        letters = await consume(kafka.bootstrap, names.dead_letters, 1)

    assert [record.value for record in found[0]] == [b"1", b"2"]
    letter = _letter_of(pending[1], letters)
    assert dict(letter.headers)["ce_id"] == b"large"
    assert b"max.message.bytes" in dict(letter.headers)[MESSAGE]
    await worker.trim()
    assert not (await tables.claim([0], 3, "after"))[0].pending


def _letter_of(record: Record, letters: dict[int, list[Any]]) -> Any:
    key = f"{record.topic}-{record.partition}/{id_of(record)}".encode()
    [letter] = [letter for of in letters.values() for letter in of if letter.key == key]
    return letter


@pytest.mark.integration
async def test_publishing_outlives_the_broker(new_kafka: Callable[[], Any], namespace: str) -> None:
    broker = await asyncio.to_thread(new_kafka)
    service = Publisher(broker.bootstrap, request_timeout_s=3.0)
    async with topic_of(broker.bootstrap, namespace) as topic:
        async with running(service):
            await service.publish([Record(topic, b"k", b"0", (), 0)])
            await asyncio.to_thread(broker.kill)
            waiting = asyncio.create_task(
                service.publish([Record(topic, b"k", b"%d" % n, (), 0) for n in range(1, 100)])
            )
            await asyncio.sleep(4)
            assert not waiting.done()
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(60):
                await waiting
        found = await consume(broker.bootstrap, topic, 100)

    assert [int(record.value) for record in found[0]] == list(range(100))
