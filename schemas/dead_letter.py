# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.dead-letters``: the original value and headers, plus the reason.

The added headers are those of Kafka Connect's error reporting (KIP-298), so that tools for
Connect's dead letters can read these. Values are UTF-8 text.

The Kafka key is the place of the original record. The original key is in the header ``KEY``, its
bytes untouched; there is none if the record had no key. A record without value has an empty one
here and the header ``NO_VALUE``: a null value means that the letter with that key was erased.

What does not fit into the topic is *shortened*: the header ``SHORTENED`` has the number of bytes of
the original value and their SHA-256, ``5000000 9f86d0…``, and the value is the first bytes of it.
Of a record which Kafka's client cannot read there are no bytes; the header says ``unreadable``.
Neither can be replayed.

What the engine itself cannot publish for its size is a letter without its bytes: its own headers
(``ce_id`` among them) and ``KEY``, and the place of the record which led to it. Where only the
broker refused it, the place has the topic and partition that did, and no offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, unique

PREFIX = "__connect.errors."
TOPIC = PREFIX + "topic"
PARTITION = PREFIX + "partition"
OFFSET = PREFIX + "offset"
CONNECTOR_NAME = PREFIX + "connector.name"
TASK_ID = PREFIX + "task.id"
STAGE = PREFIX + "stage"
CLASS_NAME = PREFIX + "class.name"
REASON = PREFIX + "exception.class.name"
MESSAGE = PREFIX + "exception.message"
STACKTRACE = PREFIX + "exception.stacktrace"

KEY = "shadowpoints.key"
SHORTENED = "shadowpoints.shortened"
NO_VALUE = "shadowpoints.no-value"

#: The header's value where there are no bytes at all.
UNREADABLE = b"unreadable"

#: Headers which a letter has besides Connect's.
ADDED = (KEY, NO_VALUE, SHORTENED)

CONNECTOR = "shadowpoints"


@unique
class Reason(StrEnum):
    """Why a record is a dead letter, in the order of the checks."""

    UNREADABLE = "unreadable"  # Kafka's client refuses it, or the broker's file is damaged
    TOO_LARGE = "too_large"
    MALFORMED_JSON = "malformed_json"
    INVALID_ENVELOPE = "invalid_envelope"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_TOPIC = "wrong_topic"
    INVALID_DATA = "invalid_data"
    UNKNOWN_APP = "unknown_app"  # an appid which is not configured
    TIMES_DIFFER = "times_differ"  # the event's time and the one in its data are too far apart
    TOO_LATE = "too_late"  # older than the horizon within which duplicates are recognised
    IN_FUTURE = "in_future"  # the event time is ahead of the clock
    INTERNAL = "internal"  # the engine failed on it: our fault, not the producer's
    OUTPUT_TOO_LARGE = "output_too_large"  # what the engine says is more than its topic takes
    WEBHOOK_REFUSED = "webhook_refused"  # the receiver of webhooks says that it never takes it
    WEBHOOK_FAILED = "webhook_failed"  # the receiver did not take it in time


def dead_letter_key(topic: str, partition: int, offset: int) -> bytes:
    """The Kafka key of a dead letter; ``topic``, ``partition``, ``offset`` of the original."""
    return f"{topic}-{partition}@{offset}".encode()


def dead_letter_headers(
    original: Sequence[tuple[str, bytes]],
    *,
    topic: str,
    partition: int,
    offset: int | None,
    stage: str,
    reason: Reason,
    message: str,
    key: bytes | None = None,
    has_value: bool = True,
) -> list[tuple[str, bytes]]:
    """Headers of a dead letter: the original ones, then place, reason and original ``key``.

    A dead letter that is replayed and fails again carries the reasons of its last failure only.
    Without ``offset``: the record never reached the topic.
    """
    kept = [
        (name, value or b"")  # Kafka allows a header without value
        for name, value in original
        if not name.startswith(PREFIX) and name not in ADDED
    ]
    added = {
        TOPIC: topic,
        PARTITION: str(partition),
        OFFSET: None if offset is None else str(offset),
        CONNECTOR_NAME: CONNECTOR,
        STAGE: stage,
        REASON: reason.value,
        MESSAGE: message,
    }
    headers = [*kept, *((name, text.encode()) for name, text in added.items() if text is not None)]
    if key is not None:
        headers.append((KEY, key))
    if not has_value:
        headers.append((NO_VALUE, b""))
    return headers
