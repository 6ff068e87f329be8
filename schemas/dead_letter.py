"""Topic ``shadow.dead-letters``: key, value and headers as they came, plus why they came here.

The added headers are those of Kafka Connect's error reporting (KIP-298), so that tools which
read Connect's dead letters read these. Values are UTF-8 text.
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


def dead_letter_headers(
    original: Sequence[tuple[str, bytes]],
    *,
    topic: str,
    partition: int,
    offset: int,
    stage: str,
    reason: Reason,
    message: str,
) -> list[tuple[str, bytes]]:
    """Headers of a dead letter: the original ones, then place and reason.

    A dead letter which is replayed and fails again carries the reasons of its last failure only.
    """
    kept = [header for header in original if not header[0].startswith(PREFIX)]
    added = {
        TOPIC: topic,
        PARTITION: str(partition),
        OFFSET: str(offset),
        CONNECTOR_NAME: CONNECTOR,
        STAGE: stage,
        REASON: reason.value,
        MESSAGE: message,
    }
    return kept + [(name, value.encode()) for name, value in added.items()]
