"""What the core decided, as Kafka records."""

from __future__ import annotations

import orjson

from schemas import binary_headers
from stream.engine.decision import Publish, Send
from stream.engine.messages import TICK_TO, Mark, Refuse, Tick, encode
from stream.runtime.partitioning import entity_partition
from stream.runtime.pseudonyms import Pseudonyms
from stream.runtime.topics import TopicNames
from stream.tables.base import Record

#: They name nobody.
_NAMELESS = (Mark, Refuse)


def message_record(send: Send, names: TopicNames, pseudonyms: Pseudonyms) -> Record:
    """A message on the resolved topic, in the partition of the entity it is for.

    Its key is the publisher's to give, here and below. What need not name a person does not.
    """
    to = pseudonyms.of(send.to) if isinstance(send.message, _NAMELESS) else send.to
    partition = entity_partition(to, pseudonyms.partitions)
    return Record(names.resolved, None, encode(to, send.message), (), partition)


def tick_record(partition: int, limit: int, names: TopicNames) -> Record:
    """Time passes in one partition."""
    return Record(names.resolved, None, encode(TICK_TO, Tick(limit)), (), partition)


def event_record(event: Publish, names: TopicNames, source: str, partitions: int) -> Record:
    """An event for the world: CloudEvents in binary form; ``source`` is its ``ce_source``.

    The key is the event's own id; the partition is the subject's, whose events stay in order.
    """
    id_, subject = event.id, event.key
    return Record(
        names.channel(event.channel),
        id_.encode(),
        orjson.dumps(event.data),
        tuple(binary_headers(event.type, id_, source, event.time, subject)),
        entity_partition(subject, partitions),
    )
