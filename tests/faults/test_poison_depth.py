# SPDX-License-Identifier: Apache-2.0
"""P9 at every depth: whatever stands in a log costs one dead letter, and its partition goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from confluent_kafka import Producer

from schemas import dead_letter
from stream.addressing.topics import DEAD_LETTER_BYTES_MAX
from stream.tables.keys import partition_keys
from tests.conftest import Kafka
from tests.faults import poison
from tests.faults.till import SETTLED_S, deployed, log_of, payment, payments, posted
from tests.integration.cluster import Cluster, Read
from tests.services.kafka import KafkaServer

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(400)]

Headers = Sequence[tuple[str, bytes | None]]
LARGE: Final[dict[str, Any]] = {"message.max.bytes": 9_000_000}
GZIP: Final[dict[str, Any]] = {"compression.type": "gzip", **LARGE}


@pytest.fixture
def cluster(kafka: Kafka, redis_url: str, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with deployed(kafka.bootstrap, redis_url, namespace, tmp_path) as cluster:
        yield cluster


def produce(
    cluster: Cluster, topic: str, value: bytes, headers: Headers = (), **options: Any
) -> None:
    """One record as it is, in a batch of its own; ``topic`` without the prefix."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, **options})
    producer.produce(
        cluster.names.prefix + topic, value, b"key", partition=0, headers=list(headers) or None
    )
    assert producer.flush(30) == 0


async def bad_name(cluster: Cluster, topic: str, *values: bytes, bad: int = 0) -> None:
    await poison.bad_name(cluster.bootstrap, cluster.names.prefix + topic, values, bad)


def place_of(letter: Read) -> tuple[str, int]:
    headers = letter.headers
    topic, offset = headers[dead_letter.TOPIC], headers[dead_letter.OFFSET]
    return topic.decode(), int(offset)


def reasons(letters: list[Read]) -> list[str]:
    return [letter.headers[dead_letter.REASON].decode() for letter in letters]


async def test_a_header_name_which_is_no_utf_8(cluster: Cluster) -> None:
    await cluster.publish(payments(range(2)))
    await bad_name(cluster, "wechat.pay", *map(payment, range(2, 6)), bad=1)
    await cluster.publish(payments(range(6, 8)))
    worker = cluster.start_worker()
    await cluster.settled(SETTLED_S)

    assert await posted(cluster) == 7
    [letter] = await cluster.dead_letters()
    assert reasons([letter]) == ["unreadable"]
    assert place_of(letter) == (cluster.names.prefix + "wechat.pay", 3)
    assert (letter.value, letter.headers[dead_letter.SHORTENED]) == (b"", b"unreadable")
    assert worker.poll() is None
    listed = cluster.run("dlq", "list")
    assert "unreadable" in listed
    assert "1 shortened" in cluster.run("dlq", "replay", "--yes")


async def test_compressed_small_unpacked_large(cluster: Cluster) -> None:
    large = b"x" * 5_000_000
    assert len(gzip.compress(large)) < 10_000
    await cluster.publish(payments(range(3)))
    produce(cluster, "wechat.pay", large, **GZIP)
    headers: Headers = [("h", b"y" * 3_000_000)]
    produce(cluster, "wechat.pay", payment(3), headers, **GZIP)
    await cluster.publish(payments(range(4, 7)))
    worker = cluster.start_worker()
    await cluster.settled(SETTLED_S)

    assert await posted(cluster) == 7  # a large header alone is no reason
    [letter] = await cluster.dead_letters()
    assert reasons([letter]) == ["too_large"]
    assert place_of(letter)[1] == 3
    assert letter.headers[dead_letter.SHORTENED] == f"5000000 {sha256(large).hexdigest()}".encode()
    assert letter.value == large[:4096]
    assert len(cluster.run("dlq", "show", "0@0").splitlines()) > 8
    assert worker.poll() is None


async def test_a_foreign_record_in_the_resolved_log(cluster: Cluster) -> None:
    """Killed before the pending dead letters are trimmed, so that they are decoded again."""
    cluster.settings["TICK_INTERVAL_S"] = "6"
    worker = cluster.start_worker()
    await cluster.publish(payments(range(3)))
    await cluster.settled(SETTLED_S)
    produce(cluster, "shadow.resolved", b"not ours", [("traceparent", None)])
    produce(cluster, "shadow.resolved", b"z" * (DEAD_LETTER_BYTES_MAX + 1), **LARGE)
    await bad_name(cluster, "shadow.resolved", b"neither")
    await cluster.until(lambda: cluster.counts().get("dead") == 3, SETTLED_S, "not all are dead")
    cluster.kill_worker(worker)
    cluster.start_worker()
    await cluster.publish(payments(range(3, 6)))
    await cluster.settled(SETTLED_S)

    assert await posted(cluster) == 6
    letters = {r.key: r for r in await cluster.dead_letters()}.values()
    assert reasons(list(letters)) == ["internal", "internal", "unreadable"]
    first, second, _ = letters
    assert first.headers["traceparent"] == b""
    assert second.headers[dead_letter.SHORTENED].startswith(b"%d " % (DEAD_LETTER_BYTES_MAX + 1))
    assert cluster.workers[-1].poll() is None


async def test_foreign_records_on_every_output(cluster: Cluster) -> None:
    """Commands which read what is there pass over what cannot be read."""
    cluster.start_worker()
    await cluster.publish(payments(range(3)))
    await cluster.settled(SETTLED_S)
    for topic in ("shadow.offers", "shadow.ledger", "shadow.identity", "shadow.dead-letters"):
        produce(cluster, topic, b"\xff\x00", [("ce_time", None), ("ce_id", None)])
        await bad_name(cluster, topic, b"neither")
    produce(cluster, "wechat.pay", b"{")
    await cluster.settled(SETTLED_S)

    listed = cluster.run("dlq", "list")
    assert "malformed_json" in listed
    assert "no faults" in cluster.run("verify")
    erased = cluster.run("sweep")
    assert "Traceback" not in erased
    assert cluster.counts()["applied"] == 3


async def test_bytes_flipped_on_the_disk(redis_url: str, namespace: str, tmp_path: Path) -> None:
    with (
        KafkaServer() as broker,
        deployed(broker.bootstrap, redis_url, namespace, tmp_path) as cluster,
    ):
        worker = cluster.start_worker()
        await cluster.publish(payments(range(3)))
        await cluster.settled(SETTLED_S)
        cluster.stop_workers()
        await cluster.publish(payments(range(3, 6)))  # one batch
        await cluster.publish(payments(range(6, 9)))
        await asyncio.to_thread(broker.stop)
        flip(broker.directory / "data" / f"{cluster.names.prefix}wechat.pay-0", payment_id(4))
        await asyncio.to_thread(broker.start)
        worker = cluster.start_worker()
        await cluster.settled(SETTLED_S)

        assert await posted(cluster) == 6
        [letter] = await cluster.dead_letters()
        assert reasons([letter]) == ["unreadable"]
        assert place_of(letter)[1] == 3
        assert b"Offsets 3 to 5" in letter.headers[dead_letter.MESSAGE]
        assert "cannot be read from offset 3 to 5" in log_of(cluster)
        assert worker.poll() is None


def payment_id(number: int) -> bytes:
    value: str = json.loads(payment(number))["data"]["transaction_id"]
    return value.encode()


def flip(partition: Path, where: bytes) -> None:
    """Change a byte of what stands there."""
    [log] = partition.glob("*.log")
    data = bytearray(log.read_bytes())
    data[data.index(where)] ^= 1
    log.write_bytes(data)


async def test_what_redis_cannot_give_back_is_listed_and_dropped(
    cluster: Cluster, redis_url: str
) -> None:
    worker = cluster.start_worker()
    await cluster.publish(payments(range(3)))
    await cluster.settled(SETTLED_S)
    cluster.stop_workers()
    keys = partition_keys(cluster.namespace, 0)
    with redis.Redis.from_url(redis_url) as client:
        client.rpush(keys.pending, b"\xc1 no record")

    worker = cluster.start_worker()
    assert await asyncio.to_thread(worker.wait, SETTLED_S) == 1
    assert "shadowpoints dlq pending" in log_of(cluster)
    listed = cluster.run("dlq", "pending")
    [line] = [line for line in listed.splitlines() if "cannot be read" in line]
    id_ = line.split()[0]
    assert f"dropped {id_}" in cluster.run("dlq", "drop", id_, "--yes")

    worker = cluster.start_worker()
    await cluster.publish(payments(range(3, 5)))
    await cluster.settled(SETTLED_S)
    assert await posted(cluster) == 5
    assert cluster.run("dlq", "pending") == ""
    assert worker.poll() is None
