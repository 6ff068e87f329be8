# SPDX-License-Identifier: Apache-2.0
"""Requests of people on a real broker: what is read, and which partitions there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from stream.addressing.topics import METADATA_MAX_AGE_MS
from stream.config.settings import load_settings
from stream.privacy.inbox import Inbox
from tests.support.partitions import known

pytestmark = pytest.mark.integration


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


async def read(inbox: Inbox, until: Callable[[list[str]], bool]) -> list[str]:
    """Read until it is enough."""
    found: list[str] = []
    async with asyncio.timeout(60):
        while not until(found):
            found += [record.value.decode() for record in await inbox.read(0.1)]
    return found


async def test_added_partitions_are_read_and_none_twice(kafka: Broker, namespace: str) -> None:
    settings = load_settings(
        {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "SHADOWPOINTS_NAMESPACE": namespace,
            "SHADOWPOINTS_TOPIC_PREFIX": f"{namespace}.",
            "SHADOWPOINTS_PARTITIONS": "4",  # of our own topics
        }
    )
    topic, now_s = f"{namespace}.privacy.requests", 0.0
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        try:
            await admin.create_topics([NewTopic(topic, 1, 1)])
            await producer.send_and_wait(topic, b"first", partition=0)
            async with Inbox(settings, lambda: now_s) as inbox:
                assert await read(inbox, lambda found: bool(found)) == ["first"]
                assert await inbox.positions() == {0: 1}

                await admin.create_partitions({topic: NewPartitions(3)})
                await known(producer, topic, 2)
                await producer.send_and_wait(topic, b"second", partition=2)
                await producer.send_and_wait(topic, b"third", partition=0)
                now_s += METADATA_MAX_AGE_MS / 1000
                found = await read(inbox, lambda found: len(found) >= 2)
                assert sorted(found) == ["second", "third"]
                assert await inbox.positions() == {0: 2, 1: 0, 2: 1}

                await inbox.done({0: 1, 2: 1})
            async with Inbox(settings) as again:
                assert await read(again, lambda found: bool(found)) == ["third"]
        finally:
            await admin.close()
