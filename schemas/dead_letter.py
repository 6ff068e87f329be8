"""Topic ``shadow.dead-letters``: value and headers as they came, plus why they came here.

The added headers are those of Kafka Connect's error reporting (KIP-298), so that tools which
read Connect's dead letters read these. Values are UTF-8 text.

The Kafka key is the place of the original record. The original key is in the header ``KEY``, its
bytes untouched; there is none if the record had no key. A record without value has an empty one
here and the header ``NO_VALUE``: a null value means that the letter with that key was erased.
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
NO_VALUE = "shadowpoints.no-value"

CONNECTOR = "shadowpoints"


@unique
class Reason(StrEnum):
    """Why a record is a dead letter, in the order in which the causes are looked for."""

    TOO_LARGE = "too_large"
    MALFORMED_JSON = "malformed_json"
    INVALID_ENVELOPE = "invalid_envelope"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_TOPIC = "wrong_topic"
    INVALID_DATA = "invalid_data"
    UNKNOWN_APP = "unknown_app"  # an appid which is not configured
    TOO_LATE = "too_late"  # older than the horizon within which duplicates are recognised
    IN_FUTURE = "in_future"  # the event time is ahead of the clock
    INTERNAL = "internal"  # the engine failed on it: our fault, not the producer's


def dead_letter_key(topic: str, partition: int, offset: int) -> bytes:
    """The Kafka key of a dead letter; ``topic``, ``partition``, ``offset`` of the original."""
    return f"{topic}-{partition}@{offset}".encode()


def dead_letter_headers(
    original: Sequence[tuple[str, bytes]],
    *,
    topic: str,
    partition: int,
    offset: int,
    stage: str,
    reason: Reason,
    message: str,
    key: bytes | None = None,
    has_value: bool = True,
) -> list[tuple[str, bytes]]:
    """Headers of a dead letter: the original ones, then place, reason and original ``key``.

    A dead letter which is replayed and fails again carries the reasons of its last failure only.
    """
    kept = [h for h in original if not h[0].startswith(PREFIX) and h[0] not in (KEY, NO_VALUE)]
    added = {
        TOPIC: topic,
        PARTITION: str(partition),
        OFFSET: str(offset),
        CONNECTOR_NAME: CONNECTOR,
        STAGE: stage,
        REASON: reason.value,
        MESSAGE: message,
    }
    headers = kept + [(name, value.encode()) for name, value in added.items()]
    if key is not None:
        headers.append((KEY, key))
    if not has_value:
        headers.append((NO_VALUE, b""))
    return headers
