# SPDX-License-Identifier: Apache-2.0
"""An event of an output topic as far as figures need it, once for each event."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

import orjson

from schemas import parse_time, time_ms


class Written(Protocol):
    """A record of an output topic; those of Kafka's clients and of the tables fit."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Any: ...


class Told(NamedTuple):
    """An event: its type, whom it is about, the engine's time of the decision (ms), its data."""

    type: str
    consumer: str
    as_of: int
    data: dict[str, Any]


class Reading:
    """Reads the events of one partition, in order: repeated and erased ones once or not at all."""

    def __init__(self, erased: Collection[bytes]) -> None:
        self._erased, self._sequence = erased, b""

    def event(self, record: Written) -> Told | None:
        """The event in a record, if it is one and has not been read or erased."""
        if record.value is None or record.key in self._erased:
            return None
        headers = {name: value or b"" for name, value in record.headers}
        if headers["ce_sequence"] <= self._sequence:
            return None
        self._sequence = headers["ce_sequence"]
        data = orjson.loads(record.value)
        as_of = time_ms(parse_time(data["as_of"]))
        return Told(headers["ce_type"].decode(), headers["ce_subject"].decode(), as_of, data)
