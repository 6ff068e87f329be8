# SPDX-License-Identifier: Apache-2.0
"""The wire contracts: the schema of every event that is read or written.

Needs pydantic and orjson only. `decode` reads a Kafka record, `binary_headers` and
`encode_data` write one; `CONTRACTS` lists every event type with its topics.
"""

from __future__ import annotations

from schemas.base import (
    Closed,
    ConsumerRef,
    format_ms,
    format_time,
    origin_consumer_id,
    parse_consumer_id,
    parse_time,
    time_from_ms,
    time_ms,
    union_consumer_id,
)
from schemas.codec import (
    VALUE_BYTES_MAX,
    Refused,
    binary_headers,
    decode,
    encode_data,
    erased_headers,
    read_attributes,
    read_data,
)
from schemas.dead_letter import Reason, dead_letter_headers
from schemas.envelope import known_id
from schemas.event import Event
from schemas.registry import CONTRACTS, HINT_TOPICS, OUTPUT_TOPICS, SOURCE_TOPICS, Contract

__all__ = [
    "CONTRACTS",
    "HINT_TOPICS",
    "OUTPUT_TOPICS",
    "SOURCE_TOPICS",
    "VALUE_BYTES_MAX",
    "Closed",
    "ConsumerRef",
    "Contract",
    "Event",
    "Reason",
    "Refused",
    "binary_headers",
    "dead_letter_headers",
    "decode",
    "encode_data",
    "erased_headers",
    "format_ms",
    "format_time",
    "known_id",
    "origin_consumer_id",
    "parse_consumer_id",
    "parse_time",
    "read_attributes",
    "read_data",
    "time_from_ms",
    "time_ms",
    "union_consumer_id",
]
