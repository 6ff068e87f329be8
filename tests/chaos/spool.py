# SPDX-License-Identifier: Apache-2.0
"""The events of a chaos run on disk: a million records need not be in memory.

The crowd of a large run is made in parts which have nobody and nothing in common, so that the
undisturbed run can take one part after the other.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec

from stream.demo.day import SourceRecord, generate, yesterday

PART_EVENTS_MAX = 100_000
EVENTS_PER_CONSUMER = 10
SEED = 7

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SourceRecord).decode


@dataclass
class Spool:
    """Records by number, 0 and up, in order of arrival within each part."""

    path: Path
    ends: array[int] = field(default_factory=lambda: array("Q"))  # bytes; where a record ends
    parts: list[range] = field(default_factory=list)  # of numbers

    @classmethod
    def of(cls, path: Path, events: int, part_events_max: int = PART_EVENTS_MAX) -> Spool:
        """Make a day of so many events, and write it down."""
        spool = cls(path)
        today = datetime.now(timezone(timedelta(hours=8))).date()
        parts = -(-events // part_events_max)
        for part in range(parts):
            size = events * (part + 1) // parts - events * part // parts
            day = generate(
                seed=SEED + part,
                consumers=size // EVENTS_PER_CONSUMER,
                events=size,
                day=yesterday(today),
            )
            spool.append(day.records)
        return spool

    def append(self, records: list[SourceRecord]) -> None:
        """Write a part of its own."""
        start, end = len(self.ends), self.ends[-1] if self.ends else 0
        with self.path.open("ab") as file:
            for record in records:
                end += file.write(_encode(record))
                self.ends.append(end)
        self.parts.append(range(start, len(self.ends)))

    def __len__(self) -> int:
        return len(self.ends)

    def read(self, numbers: range | list[int]) -> Iterator[SourceRecord]:
        """Records by number, in the order asked for."""
        with self.path.open("rb") as file:
            for number in numbers:
                start = self.ends[number - 1] if number else 0
                file.seek(start)
                yield _decode(file.read(self.ends[number] - start))
