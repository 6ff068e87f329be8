# SPDX-License-Identifier: Apache-2.0
"""Single records are erased by tombstones, for good; the log is replayed without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.engine.model.messages import FactReceived, decode
from stream.kafka.encode import tick_record
from stream.kafka.publisher import Publisher
from stream.rules.loader import load_rules
from tests.integration.cluster import Cluster, Read, Source
from tests.integration.test_day import now_ms
from tests.support.snapshot import snapshot
from tests.worker.events import follow, login, openid, shopper, unionid

pytestmark = pytest.mark.integration

#: What takes up to a week happens at once.
AT_ONCE = {
    "segment.ms": "100",
    "max.compaction.lag.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "delete.retention.ms": "0",
}


async def compact_at_once(cluster: Cluster) -> None:
    topic = cluster.names.resolved
    configs = cluster.names.all()[topic] | AT_ONCE
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


@asynccontextmanager
async def publisher(cluster: Cluster) -> AsyncIterator[Publisher]:
    service = Publisher(cluster.bootstrap, unique_keys_on=cluster.names.resolved)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def compacted(cluster: Cluster, gone: set[bytes | None]) -> list[Read]:
    """The resolved log once no record has any of these keys; ticks give it new segments."""
    async with publisher(cluster) as service, asyncio.timeout(60):
        while True:
            await service.publish([tick_record(0, 1, cluster.names)])
            await asyncio.sleep(0.3)
            log = await cluster.read(cluster.names.resolved)
            if not gone & {record.key for record in log}:
                return log


def of_event(log: list[Read], event_id: str) -> Read:
    """The one message about an event."""
    found = []
    for record in log:
        _, message = decode(record.value or b"")
        if isinstance(message, FactReceived) and message.fact.event_id == event_id:
            found.append(record)
    (one,) = found
    return one


async def test_an_erased_record_has_no_effect_when_the_log_is_replayed(
    new_cluster: Callable[..., Cluster],
) -> None:
    """An origin's only event, which is the first record of all, and five points of a shopper."""
    cluster = new_cluster(partitions=1)
    book, started_ms = load_rules(), now_ms()

    async def publish(events: list[tuple[str, bytes]]) -> None:
        sources: list[Source] = [(topic, None, value, []) for topic, value in events]
        await cluster.publish(sources)
        await cluster.settled(quiet_s=0.3)

    worker = cluster.start_worker()
    await publish([follow(9, started_ms)])
    await publish([event for person in range(3) for event in shopper(person, started_ms, 4)])
    await publish([login(1, 2, started_ms - 86_400_000)])
    as_of = now_ms()
    before = await cluster.entities()
    log = await cluster.read(cluster.names.resolved)
    erased = [of_event(log, "follow-9"), of_event(log, "login-1-2")]
    assert erased[0].offset == 1  # the rules stand before it
    assert len({record.key for record in log}) == len(log)

    await cluster.erase(erased)
    await cluster.settled(quiet_s=0.3)
    assert await cluster.entities() == before  # a tombstone as such changes nothing
    assert cluster.stop_worker(worker) == 0
    await compact_at_once(cluster)
    log = await compacted(cluster, {record.key for record in erased})
    offsets = [record.offset for record in log]
    assert offsets[0] == 0
    assert offsets[1] > 1
    assert len(offsets) < offsets[-1] + 1 - offsets[0]

    cluster.wipe_redis()
    cluster.start_worker()
    await cluster.settled(quiet_s=0.3)
    after = await cluster.entities()
    follower = f"origin.wx1a2b3c4d5e6f7a01.{openid(9)}"
    assert before.keys() - after.keys() == {follower}
    was, now = snapshot(before, book, as_of), snapshot(after, book, as_of)
    shopper_1 = f"union.abc-brand.{unionid(1)}"
    assert now.binds == was.binds
    assert now.balances == {**was.balances, shopper_1: was.balances[shopper_1] - 5}
    assert await cluster.dead_letters() == []
    assert "dead" not in cluster.counts()
    assert "records are lost" not in cluster.log_tails()
    assert cluster.run("verify").endswith("\nno faults\n")
