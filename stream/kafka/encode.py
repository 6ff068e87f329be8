# SPDX-License-Identifier: Apache-2.0
"""Encode messages and events of the core as Kafka records."""

from __future__ import annotations

from typing import Final

import orjson

from schemas import binary_headers, erased_headers
from stream.addressing.partitioning import entity_partition
from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.engine.model.decision import Publish, Send
from stream.engine.model.ids import digest
from stream.engine.model.messages import (
    RULES_TO,
    TICK_TO,
    CampaignEnded,
    ErasureMark,
    Refuse,
    RulesChanged,
    Tick,
    encode,
)
from stream.tables.base import Record

#: Of a batch with one record: lengths, times, and the key that a publisher adds.
_BATCH_BYTES: Final = 61 + 64
_HEADER_BYTES: Final = 8  # the lengths of name and value

#: Messages sent to a person's pseudonym, since they need not name the person.
_NAMELESS = (ErasureMark, Refuse)


def message_record(send: Send, names: TopicNames, pseudonyms: Pseudonyms) -> Record:
    """A message on the resolved topic, in the partition of the entity it is for.

    The publisher adds the key, here and below.
    """
    to = pseudonyms.of(send.to) if isinstance(send.message, _NAMELESS) else send.to
    partition = entity_partition(to, pseudonyms.partitions)
    return Record(names.resolved, None, encode(to, send.message), (), partition)


def tick_record(partition: int, limit: int, names: TopicNames) -> Record:
    """A tick: time passes in one partition."""
    return Record(names.resolved, None, encode(TICK_TO, Tick(limit)), (), partition)


def rules_record(
    partition: int, message: RulesChanged | CampaignEnded, names: TopicNames
) -> Record:
    """The rules of one partition from here on, or the end of a campaign there."""
    return Record(names.resolved, None, encode(RULES_TO, message), (), partition)


def sequence_of(offset: int, number: int) -> str:
    """The place of an output: the offset of its cause in the resolved log, and a number from 0 on.

    19 digits, which order as text and as an integer of 64 bits alike. Nothing that is erased from
    the log moves it, so a log that is applied once more repeats it.
    """
    return f"{offset:012d}{number:07d}"


def event_record(
    event: Publish, names: TopicNames, source: str, partitions: int, sequence: str
) -> Record:
    """An event for readers, as a CloudEvent in binary form; ``source`` is its ``ce_source``.

    The key is the event's own id; the partition is the subject's, whose events stay in order. It
    has the number of the partition of the resolved log in which the event was decided, so that
    ``sequence`` rises in it.
    """
    id_, subject = event.id, event.key
    return Record(
        names.channel(event.channel),
        id_.encode(),
        orjson.dumps(event.data),
        (*binary_headers(event.type, id_, source, event.time, subject), _sequence(sequence)),
        entity_partition(subject, partitions),
    )


def _sequence(sequence: str) -> tuple[str, bytes]:
    """CloudEvents' extension of that name."""
    return "ce_sequence", sequence.encode()


def erased_headers_of(key: bytes, source: str, time: int) -> tuple[tuple[str, bytes], ...]:
    """Headers of the tombstone of the event with this key: an event itself, without personal data.

    ``time`` in ms, when a person named in the event was erased. Repeating it gives equal headers.
    """
    event_id = key.decode(errors="replace")
    return tuple(erased_headers(digest("erased", event_id), source, time, event_id))


def bytes_of(record: Record) -> int:
    """Upper bound of its batch's size, which ``max.message.bytes`` of its topic limits."""
    headers = sum(len(name.encode()) + len(value) for name, value in record.headers)
    lengths = _BATCH_BYTES + _HEADER_BYTES * len(record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + lengths
