"""What the core decided, as Kafka records."""

from __future__ import annotations

import orjson

from schemas import binary_headers
from stream.engine.decision import Publish, Send
from stream.engine.messages import TICK_KEY, Tick, encode
from stream.runtime.partitioning import entity_partition
from stream.runtime.topics import TopicNames
from stream.tables.base import Record


def message_record(send: Send, names: TopicNames, partitions: int) -> Record:
    """A message on the resolved topic, in the partition of the entity it is for."""
    partition = entity_partition(send.to, partitions)
    return Record(names.resolved, send.to.encode(), encode(send.message), (), partition)


def tick_record(partition: int, limit: int, names: TopicNames) -> Record:
    """Time passes in one partition."""
    return Record(names.resolved, TICK_KEY.encode(), encode(Tick(limit)), (), partition)


def event_record(event: Publish, names: TopicNames, source: str) -> Record:
    """An event for the world: CloudEvents in binary form; ``source`` is its ``ce_source``."""
    headers = binary_headers(event.type, event.id, source, event.time, event.key)
    value = orjson.dumps(event.data)
    return Record(names.channel(event.channel), event.key.encode(), value, tuple(headers))
