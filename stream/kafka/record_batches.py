# SPDX-License-Identifier: Apache-2.0
"""Fetched records, and batches of them that are handled as one unit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from stream.tables.base import Record


class InputRecord(Protocol):
    """A fetched record; aiokafka's ``ConsumerRecord`` fits."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # ms
    @property
    def timestamp_type(self) -> int: ...  # 1: the broker's (LogAppendTime), 0: the producer's
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition, never empty.

    ``generation`` is the consumer group's when they were fetched: after a rebalance fetching
    starts again from the stored position, and what was fetched before must not be applied.
    """

    topic: str
    partition: int
    records: Sequence[InputRecord]
    generation: int = 0
    log: str = ""  # id of the topic, if the broker has one

    @property
    def first_offset(self) -> int:
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        return self.records[-1].offset

    def __repr__(self) -> str:
        return f"<Batch {self.topic}-{self.partition} {self.first_offset}..{self.last_offset}>"


#: Publishes records in order and returns when the broker has acknowledged all of them.
Publish = Callable[[Sequence[Record]], Awaitable[None]]
