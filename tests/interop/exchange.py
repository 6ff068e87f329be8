# SPDX-License-Identifier: Apache-2.0
"""What an SDK of CloudEvents is to publish and to read here, and whether it did.

An SDK's program has two commands. ``publish BOOTSTRAP FILE`` publishes each line of the file, an
object with ``topic`` and ``event`` in JSON format: in binary mode, in structured mode, and in
structured mode with the data as bytes, which is Base64. ``read BOOTSTRAP TOPIC COUNT`` prints a
line for each of the first records of a topic: ``{"type", "subject", "data": true or false}``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from schemas import CONTRACTS, Event, binary_headers, decode
from schemas.erased import RECORD_ERASED
from stream.engine.model.decision import Channel
from stream.kafka.encode import erased_headers_of
from tests.integration.cluster import Cluster, Read
from tests.schemas.samples import Document, example

SOURCES = sorted(c.type for c in CONTRACTS.values() if c.direction == "in")
MODES = ("binary", "structured", "base64")
#: What `understood` finds when all is well.
ALL = {(name, mode): 1 for name in SOURCES for mode in MODES}
SOURCE = "urn:shadowpoints:interop"
ISSUED, LAPSED = example("offer.issued.v1"), example("offer.lapsed.v1")

#: What a reader of `say` prints.
HEARD = [
    {"type": ISSUED["type"], "subject": ISSUED["subject"], "data": True},
    {"type": RECORD_ERASED, "subject": ISSUED["id"], "data": False},
    {"type": LAPSED["type"], "subject": LAPSED["subject"], "data": True},
]


def topic_of(event_type: str) -> str:
    return CONTRACTS[event_type].topics[0]


def lines(cluster: Cluster) -> Iterable[dict[str, Any]]:
    """Every example of what we read, with the topic to publish it on."""
    for name in SOURCES:
        yield {"topic": cluster.names.prefix + topic_of(name), "event": example(name)}


def script(cluster: Cluster) -> str:
    """The file for ``publish``."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines(cluster))


def expected() -> dict[str, Event]:
    return {name: decode(orjson.dumps(example(name)), [], topic_of(name)) for name in SOURCES}


async def understood(cluster: Cluster) -> Counter[tuple[str, str]]:
    """How often each example came as what it is, by mode; raises ``Refused`` for any other."""
    found, wanted = Counter[tuple[str, str]](), expected()
    for record in await cluster.read(*(cluster.names.prefix + t for t in topics())):
        event = _decoded(record, cluster)
        assert event == wanted[event.type], event.type
        found[event.type, _mode(record)] += 1
    return found


def _mode(record: Read) -> str:
    if "ce_id" in record.headers:
        return "binary"
    return "base64" if b'"data_base64"' in (record.value or b"") else "structured"


def topics() -> list[str]:
    return sorted({topic_of(name) for name in SOURCES})


def _decoded(record: Read, cluster: Cluster) -> Event:
    return decode(record.value, list(record.headers.items()), cluster.names.plain(record.topic))


async def say(cluster: Cluster) -> str:
    """An offer, that it was erased, and another one, as we publish them; the topic."""
    topic = cluster.names.channel(Channel.OFFERS)
    producer = AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    await producer.start()
    try:
        for document in (ISSUED, None, LAPSED):
            key = (document or ISSUED)["id"].encode()
            value = None if document is None else orjson.dumps(document["data"])
            headers = (
                erased_headers_of(key, SOURCE, 1_772_323_200_000)
                if document is None
                else _headers(document)
            )
            await producer.send_and_wait(topic, value, key, partition=0, headers=list(headers))
    finally:
        await producer.stop()
    return topic


def _headers(document: Document) -> list[tuple[str, bytes]]:
    event = decode(orjson.dumps(document), [], topic_of(document["type"]))
    return binary_headers(event.type, event.id, event.source, event.time, document["subject"])
