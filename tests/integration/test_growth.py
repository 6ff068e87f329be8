# SPDX-License-Identifier: Apache-2.0
"""Topics of sources belong to their producers: more partitions, or made anew, while all runs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions, NewTopic

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster
from tests.integration.test_day import BOOK, now_ms, sample_day, sources
from tests.integration.till import POINTS, payment, payments, posted, rules_in
from tests.support.partitions import known
from tests.support.snapshot import snapshot

pytestmark = [pytest.mark.integration, pytest.mark.alone]

PICKED_UP_WITHIN_S = 30.0


async def settled_within(cluster: Cluster, points: int, timeout_s: float) -> None:
    """Wait until so many points are posted."""
    began = time.monotonic()
    while await posted(cluster) < points:
        assert time.monotonic() - began < timeout_s, cluster.log_tails()
        await asyncio.sleep(0.5)


async def publish_to(cluster: Cluster, topic: str, partition: int, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        await known(producer, topic, partition)
        for value in values:
            await producer.send_and_wait(topic, value, partition=partition)


async def test_sources_may_have_any_number_of_partitions_and_more_at_any_time(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = new_cluster(2, RULES=rules_in(tmp_path))
    pay = cluster.names.prefix + "wechat.pay"
    cluster.start_worker()
    cluster.start_worker()
    await cluster.publish(payments(4))
    await cluster.settled()

    async with cluster.admin() as admin:
        await admin.create_partitions({pay: NewPartitions(5)})
    await publish_to(cluster, pay, 4, [b"no JSON", *(payment() for _ in range(3))])
    await settled_within(cluster, 7 * POINTS, PICKED_UP_WITHIN_S)

    cluster.stop_workers()
    assert cluster.run("topics", "check") == "all topics are as they must be\n"
    cluster.start_worker()
    await cluster.publish(payments(8))
    await cluster.settled()
    assert await posted(cluster) == 15 * POINTS
    assert cluster.counts() == {"applied": 15}
    assert len(await cluster.read(cluster.names.dead_letters)) == 1


@pytest.mark.parametrize("partitions", [2, 3])
async def test_a_source_made_anew_is_picked_up(
    new_cluster: Callable[..., Cluster], tmp_path: Path, partitions: int
) -> None:
    cluster = new_cluster(2, RULES=rules_in(tmp_path))
    pay = cluster.names.prefix + "wechat.pay"
    cluster.start_worker()
    await cluster.publish(payments(10))
    await cluster.settled()
    async with cluster.admin() as admin:
        await admin.delete_topics([pay])
        await asyncio.sleep(2)  # Kafka says that it is gone before it is
        await admin.create_topics([NewTopic(pay, partitions, 1)])
    await publish_to(cluster, pay, partitions - 1, [payment() for _ in range(3)])
    await publish_to(cluster, pay, 0, [payment() for _ in range(3)])
    await settled_within(cluster, 16 * POINTS, PICKED_UP_WITHIN_S)


async def paid(cluster: Cluster) -> dict[str, int]:
    """Points of payouts, by consumer: each event counts once.

    A consumer paid nothing is left out: whether an openid was enrolled before its bind was known,
    and told of 0 points, depends on which topic was read first.
    """
    found: Counter[str] = Counter()
    seen = {r.id: r for r in await cluster.read_channel(Channel.OFFERS)}
    for record in seen.values():
        if record.headers["ce_type"].startswith(b"payout.") and record.value:
            found[record.headers["ce_subject"].decode()] += orjson.loads(record.value)["points"]
    return {consumer: points for consumer, points in found.items() if points}


async def test_our_topics_get_more_partitions_in_a_new_namespace(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    """As docs/operations.md says: beside the old one, from the same sources, then switched."""
    old = new_cluster(2)
    day = sample_day(1_000)
    half = len(day.records) // 2
    old.start_worker()
    await old.publish(sources(day)[:half])
    await old.settled()

    (logs := tmp_path / "v2").mkdir()
    own, prefix = {"OWN_PREFIX": "v2."}, old.names.prefix
    name = f"{old.namespace}-v2"
    with Cluster(old.bootstrap, old.redis_url, name, logs, 5, own, prefix) as new:
        assert set(new.names.sources) == set(old.names.sources)
        new.start_worker()
        await old.publish(sources(day)[half:])
        await old.settled()
        await new.settled()

        as_of = now_ms()
        before = snapshot(await old.entities(), BOOK, as_of)
        assert snapshot(await new.entities(), BOOK, as_of) == before
        assert before.payouts
        assert before.live
        assert await paid(new) == await paid(old)
        assert new.run("verify").splitlines()[-1] == "no faults"

        old.stop_workers()
        await new.publish([sources(day)[0]])
        await new.settled()
        assert snapshot(await new.entities(), BOOK, as_of) == before
