"""The wire contracts: which events are read and written, and what they look like.

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
from schemas.codec import VALUE_BYTES_MAX, Event, Refused, binary_headers, decode, encode_data
from schemas.dead_letter import Reason, dead_letter_headers
from schemas.registry import CONTRACTS, OUTPUT_TOPICS, SOURCE_TOPICS, Contract

__all__ = [
    "CONTRACTS",
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
    "format_ms",
    "format_time",
    "origin_consumer_id",
    "parse_consumer_id",
    "parse_time",
    "time_from_ms",
    "time_ms",
    "union_consumer_id",
]
