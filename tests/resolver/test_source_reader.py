# SPDX-License-Identifier: Apache-2.0
"""The resolver's group on a real broker: where it begins, what it skips, what it reads again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from stream.config.settings import Settings, load_settings
from stream.kafka.group_reader import RecordPosition
from stream.kafka.topic_admin import create_topics
from stream.resolver.source_reader import SourceReader
from tests.conftest import Kafka
from tests.support.partitions import known

pytestmark = pytest.mark.integration
OLD_MS = 301_000
PAY, OA, SHOP = "wechat.pay", "wechat.official-account", "wechat.shop"


def now_ms() -> int:
    return int(time.time() * 1000)


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


class Deployment:
    """Topics of one partition, and intakes as processes of their own."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings, self._stack = settings, stack
        self.lost: list[RecordPosition] = []
        self.skipped = 0

    def _skip(self, records: int) -> None:
        self.skipped += records

    async def reader(self) -> SourceReader:
        reader = SourceReader(self.settings, now_ms, self.lost.extend, self._skip)
        await self._stack.enter_async_context(reader)
        return reader

    async def publish(self, topic: str, *values: str, ago_ms: int = 0, partition: int = 0) -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_bootstrap_servers, acks="all"
        ) as producer:
            await known(producer, self.settings.topics.prefix + topic, partition)
            for value in values:
                await producer.send_and_wait(
                    self.settings.topics.prefix + topic,
                    value.encode(),
                    timestamp_ms=now_ms() - ago_ms,
                    partition=partition,
                )

    def position(self, topic: str, offset: int) -> RecordPosition:
        return RecordPosition(self.settings.topics.prefix + topic, 0, offset)


@pytest.fixture
async def deployment(kafka: Kafka, namespace: str) -> AsyncIterator[Deployment]:
    settings = load_settings(
        {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "SHADOWPOINTS_NAMESPACE": namespace,
            "SHADOWPOINTS_TOPIC_PREFIX": f"{namespace}.",
            "SHADOWPOINTS_PARTITIONS": "1",
            "SHADOWPOINTS_SESSION_TIMEOUT_S": "6",
        }
    )
    async with admin_of(settings) as admin:
        # Its producers' times: whatever is old here is said to be.
        config = {"message.timestamp.type": "CreateTime"}
        pay = settings.topics.prefix + PAY
        await admin.create_topics([NewTopic(pay, 1, 1, topic_configs=config)])
    await create_topics(settings)
    async with AsyncExitStack() as stack:
        yield Deployment(settings, stack)


async def some(
    reader: SourceReader, enough: Callable[[list[str]], bool], without: str = "none"
) -> list[str]:
    """Read until it is enough."""
    values: list[str] = []

    def is_full(at: TopicPartition) -> bool:
        return str(at.topic).endswith(without)

    async with asyncio.timeout(60):
        while not enough(values):
            values += [r.value.decode() for r in await reader.read(0.1, is_full)]
    return values


def holds(*wanted: str) -> Callable[[list[str]], bool]:
    return lambda values: set(wanted) <= set(values)


async def test_a_new_group_begins_with_open_windows_and_the_next_follow(
    deployment: Deployment,
) -> None:
    await deployment.publish(PAY, "closed", ago_ms=OLD_MS)
    await deployment.publish(PAY, "open")
    await deployment.publish(OA, "before")
    await deployment.publish(SHOP, "hint", ago_ms=OLD_MS)
    reader = await deployment.reader()
    assert sorted(await some(reader, holds("open", "hint"))) == ["hint", "open"]
    await deployment.publish(OA, "after")
    assert await some(reader, holds("after")) == ["after"]
    assert deployment.skipped == 0


async def test_what_is_not_done_is_read_again_and_what_is_closed_is_not(
    deployment: Deployment,
) -> None:
    first = await deployment.reader()
    await some(first, lambda _: bool(first._read))  # placed
    await deployment.publish(OA, "0", "1", "2")
    assert await some(first, holds("0", "1", "2")) == ["0", "1", "2"]
    first.finish(deployment.position(OA, 0))
    first.finish(deployment.position(OA, 2))
    await first.commit()
    await first.__aexit__(None, None, None)

    # a long time without a resolver: three windows close
    await deployment.publish(PAY, "a", "b", "c", ago_ms=OLD_MS)
    await deployment.publish(PAY, "d")
    await deployment.publish(SHOP, "hint", ago_ms=OLD_MS)
    second = await deployment.reader()
    assert sorted(await some(second, holds("1", "2", "d", "hint"))) == ["1", "2", "d", "hint"]
    assert deployment.skipped == 3


async def test_a_topic_which_has_to_wait_is_left_out_and_goes_on(deployment: Deployment) -> None:
    reader = await deployment.reader()
    await some(reader, lambda _: bool(reader._read))
    await deployment.publish(OA, "follow")
    await deployment.publish(PAY, "payment")
    assert await some(reader, holds("payment"), without=OA) == ["payment"]
    assert await some(reader, holds("follow")) == ["follow"]


async def test_when_another_process_comes_what_is_not_done_is_read_again(
    deployment: Deployment,
) -> None:
    first = await deployment.reader()
    await some(first, lambda _: len(first._read) == 3)
    await deployment.publish(PAY, "payment")
    await some(first, holds("payment"))
    second = await deployment.reader()
    again: list[str] = []
    async with asyncio.timeout(60):
        while "payment" not in again:  # by either of them
            for reader in (first, second):
                again += [r.value.decode() for r in await reader.read(0.1)]
    assert deployment.lost == [deployment.position(PAY, 0)]
    assert len(first._read) + len(second._read) <= 3  # each partition with one of them


async def test_partitions_which_are_added_are_read_from_their_beginnings(
    deployment: Deployment,
) -> None:
    reader = await deployment.reader()
    await some(reader, lambda _: len(reader._read) == 3)
    await reader.commit()
    async with admin_of(deployment.settings) as admin:
        for topic in (PAY, OA):
            name = deployment.settings.topics.prefix + topic
            await admin.create_partitions({name: NewPartitions(2)})
    await deployment.publish(PAY, "payment", partition=1)
    await deployment.publish(OA, "follow", partition=1)

    assert sorted(await some(reader, holds("payment", "follow"))) == ["follow", "payment"]
