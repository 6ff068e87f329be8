# SPDX-License-Identifier: Apache-2.0
"""The Python SDK, by its API of today and by that of version 1, on a real broker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings import kafka as core
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import kafka as v1
from cloudevents.v1.http import CloudEvent as CloudEventV1

from schemas.erased import RECORD_ERASED
from stream.engine.model.decision import Channel
from tests.conftest import Kafka
from tests.integration.cluster import Cluster, Read
from tests.interop.exchange import ALL, HEARD, lines, say, understood
from tests.schemas.samples import Document
from tests.support.erasing import BY_ORIGIN, her_day

pytestmark = pytest.mark.integration

#: Headers and value of a record.
Written = tuple[dict[str, bytes], bytes]


def _split(event: Document) -> tuple[Document, Document]:
    return {name: value for name, value in event.items() if name != "data"}, event["data"]


def write_core(event: Document) -> Iterator[Written]:
    attributes, data = _split(event)
    attributes["time"] = datetime.fromisoformat(attributes["time"])
    said = CloudEvent(attributes, data)
    as_bytes = CloudEvent(attributes, json.dumps(data).encode())
    for message in (
        core.to_binary_event(said),
        core.to_structured_event(said),
        core.to_structured_event(as_bytes),
    ):
        yield message.headers, message.value


def write_v1(event: Document) -> Iterator[Written]:
    said = CloudEventV1.create(*_split(event))
    as_bytes = CloudEventV1.create(_split(event)[0], json.dumps(event["data"]).encode())
    for message in (v1.to_binary(said), v1.to_structured(said), v1.to_structured(as_bytes)):
        value = message.value
        yield message.headers, value if isinstance(value, bytes) else value.encode()


def read_core(record: Read) -> Document:
    # The type says bytes; a record without value is read all the same.
    message = core.KafkaMessage(record.headers, record.key, record.value)  # type: ignore[arg-type]
    event = core.from_kafka_event(message)
    return _heard(event.get_attributes(), event.get_data())


def read_v1(record: Read) -> Document:
    message = v1.KafkaMessage(record.headers, record.key, record.value)  # type: ignore[arg-type]
    event = v1.from_binary(
        message, data_unmarshaller=lambda value: None if value is None else json.loads(value)
    )
    return _heard(dict(event.get_attributes()), event.get_data())


def _heard(attributes: Document, data: object) -> Document:
    return {"type": attributes["type"], "subject": attributes["subject"], "data": data is not None}


@pytest.fixture
def cluster(kafka: Kafka, redis_url: str, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(kafka.bootstrap, redis_url, namespace, tmp_path, 1) as made:
        yield made


@pytest.mark.parametrize("write", [write_core, write_v1])
async def test_every_example_is_published_in_both_modes_and_understood(
    cluster: Cluster, write: Callable[[Document], Iterator[Written]]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    await producer.start()
    try:
        for line in lines(cluster):
            for headers, value in write(line["event"]):
                await producer.send(line["topic"], value, headers=list(headers.items()))
        await producer.flush()
    finally:
        await producer.stop()

    assert await understood(cluster) == ALL


@pytest.mark.parametrize("read", [read_core, read_v1])
async def test_a_reader_goes_past_what_was_erased(
    cluster: Cluster, read: Callable[[Read], Document]
) -> None:
    topic = await say(cluster)
    records = await cluster.read(topic)
    assert [record.value is None for record in records] == [False, True, False]
    assert [read(record) for record in records] == HEARD


async def test_after_an_erasure_a_reader_of_all_topics_knows_what_to_forget(
    cluster: Cluster,
) -> None:
    worker = cluster.start_worker()
    await cluster.publish([(topic, None, v, []) for topic, v in her_day(int(time.time() * 1000))])
    await cluster.settled(quiet_s=1.0)
    cluster.run("erase", "--origin", BY_ORIGIN["appid"], BY_ORIGIN["openid"], "--yes")

    topics = [cluster.names.channel(channel) for channel in Channel]
    records = await cluster.read(*topics)
    for read in (read_core, read_v1):
        known, about_her = dict[str, str](), set[str]()
        for record, seen in ((record, read(record)) for record in records):
            if seen["type"] == RECORD_ERASED:
                assert known.pop(seen["subject"]) in about_her
            else:
                known[record.id] = seen["subject"]
                about_her.add(seen["subject"])
        assert about_her
        assert known == {}
    assert cluster.stop_worker(worker) == 0
