# SPDX-License-Identifier: Apache-2.0
"""Whoever publishes chooses the codec, and so does who owns a topic: all are read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster
from tests.integration.till import POINTS, payment, posted, rules_in
from tests.services.kafka import KafkaServer

pytestmark = pytest.mark.integration

CODECS = ("gzip", "snappy", "lz4", "zstd")


async def publish(cluster: Cluster, codec: str | None, values: list[bytes]) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap, compression_type=codec, linger_ms=50
    ) as producer:
        topic = cluster.names.prefix + "wechat.pay"
        sent = [await producer.send(topic, value, partition=0) for value in values]
        await asyncio.gather(*sent)


async def compress_topic(cluster: Cluster, topic: str, codec: str) -> None:
    """As its owner would, who leaves the rest to the defaults."""
    config = {"compression.type": codec, "message.timestamp.type": "LogAppendTime"}
    async with cluster.admin() as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])


@pytest.mark.parametrize("codec", CODECS)
async def test_every_codec_is_read_and_written(
    new_cluster: Callable[..., Cluster], tmp_path: Path, codec: str
) -> None:
    cluster = new_cluster(1, RULES=rules_in(tmp_path), COMPRESSION=codec)
    pay = cluster.names.prefix + "wechat.pay"
    cluster.start_worker()
    good, bad = [payment() for _ in range(4)], b"no json " * 40
    await publish(cluster, codec, [*good[:2], bad])  # by the producer
    await cluster.settled()
    await compress_topic(cluster, pay, codec)
    await publish(cluster, None, good[2:])  # by the broker
    await cluster.settled()
    assert await posted(cluster) == 4 * POINTS
    [letter] = await cluster.dead_letters()
    assert letter.value == bad


async def test_commands_read_codecs(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    cluster = new_cluster(1, RULES=rules_in(tmp_path), COMPRESSION="zstd")
    cluster.start_worker()
    good, bad = payment(), b"no json " * 40
    await publish(cluster, "zstd", [good, bad])
    await cluster.settled()

    assert "malformed_json" in cluster.run("dlq", "list")
    openid = json.loads(good)["data"]["payer"]["openid"]
    about = json.loads(cluster.run("export", "--origin", "wx1a2b3c4d5e6f7a02", openid))
    assert [event["data"]["points"] for event in about["ledger"]] == [POINTS]
    assert cluster.run("dlq", "replay", "--yes").startswith("1 replayed")
    await cluster.settled()
    assert [r.value for r in await cluster.dead_letters() if r.value == bad] == [bad] * 2


def codecs_of(kafka: KafkaServer, topic: str) -> set[str]:
    """Of all batches in the first segment of a topic with one partition."""
    log = kafka.directory / "data" / f"{topic}-0" / f"{0:020}.log"
    done = kafka.java("kafka.tools.DumpLogSegments", "--files", str(log))
    words = done.stdout.split()
    return {word for before, word in pairwise(words) if before == "compresscodec:"}


async def test_our_own_topics_are_compressed(
    kafka_server: KafkaServer, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    settings = {"RULES": rules_in(tmp_path)}
    with Cluster(kafka_server.bootstrap, redis_url, namespace, tmp_path, 1, settings) as cluster:
        await publish(cluster, None, [payment() for _ in range(20)])
        cluster.start_worker()
        await cluster.settled()
        cluster.stop_workers()
        for topic in (cluster.names.resolved, cluster.names.channel(Channel.LEDGER)):
            assert await asyncio.to_thread(codecs_of, kafka_server, topic) == {"gzip"}
        assert await posted(cluster) == 20 * POINTS
