# SPDX-License-Identifier: Apache-2.0
"""Encode happenings as Kafka records, in the three accepted forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from schemas import CONTRACTS
from stream.demo.clock import rfc3339

_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
FORMS = ("structured", "binary", "plain")
_FORM_WEIGHTS = (4, 4, 2)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record for a source topic, as a producer would publish it.

    ``time_ms`` is when it reaches the topic. ``kind`` is the event type, or the special kind of
    record: ``retry``, ``again``, ``snapshot``, ``conflict``, ``bad:<reason>``.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    time_ms: int
    kind: str


@dataclass(slots=True)
class Happening:
    """Something that a producer reports. Times in ms since the Unix epoch.

    ``claim`` is ``(origin key, union key)`` if the event says that they are the same person.
    """

    type: str
    id: str
    source: str
    at_ms: int
    arrives_ms: int
    data: dict[str, Any]
    key: str | None = None
    kind: str = ""
    claim: tuple[str, str] | None = None
    topic: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # replaces attributes: for bad records


def message_id(rng: Random) -> str:
    """A UUID-like id, as notifications have."""
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def to_record(happening: Happening, rng: Random) -> SourceRecord:
    """Choose a form and write the record."""
    form = rng.choices(FORMS, _FORM_WEIGHTS)[0]
    h = happening
    attributes = {
        "specversion": "1.0",
        "id": h.id,
        "source": h.source,
        "type": h.type,
        "time": rfc3339(h.at_ms, millis=h.at_ms % 1000 != 0, utc=form == "binary"),
        "datacontenttype": "application/json",
        **h.extra,
    }
    headers: tuple[tuple[str, bytes], ...] = _STRUCTURED if form == "structured" else ()
    if form == "binary":
        content_type = attributes.pop("datacontenttype")
        value = orjson.dumps(h.data)
        headers = tuple((f"ce_{name}", text.encode()) for name, text in attributes.items())
        headers += (("content-type", content_type.encode()),)
    else:
        value = orjson.dumps(attributes | {"data": h.data})
    topic = h.topic or CONTRACTS[h.type].topics[0]
    key = h.key.encode() if h.key is not None else None
    return SourceRecord(topic, key, value, headers, h.arrives_ms, h.kind or h.type)
