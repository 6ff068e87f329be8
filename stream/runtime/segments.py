"""Runs of the resolved topic, cut where a tick stands.

A tick concerns whoever is due *now*, which the tables know only once everything before it is
committed; so it is a segment of its own, between two commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from stream.engine.messages import TICK_KEY, Message, Tick, decode
from stream.runtime.partitioning import entity_partition
from stream.runtime.runs import InputRecord

_TICK = TICK_KEY.encode()
_KINDS = frozenset({"union", "origin", "tx"})


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of the resolved log, read. Without a message it is not one of ours."""

    record: InputRecord
    key: str = ""
    message: Message | None = None


@dataclass(slots=True)
class Segment:
    """What one commit of one partition takes in: letters, or a single tick."""

    letters: list[Letter] = field(default_factory=list)
    tick: Tick | None = None

    @property
    def last_offset(self) -> int:
        return self.letters[-1].record.offset

    @property
    def last_timestamp_ms(self) -> int:
        return self.letters[-1].record.timestamp


def read(record: InputRecord, partition: int, partitions: int) -> Letter:
    """A record as a letter; whatever no engine wrote to this partition has no message."""
    if record.key is None or record.value is None:
        return Letter(record)
    try:
        key, message = record.key.decode(), decode(record.value)
    except (UnicodeDecodeError, msgspec.MsgspecError):
        return Letter(record)
    if (key == TICK_KEY) != isinstance(message, Tick):
        return Letter(record)
    if key != TICK_KEY and (
        key.partition(".")[0] not in _KINDS or entity_partition(key, partitions) != partition
    ):
        return Letter(record)
    return Letter(record, key, message)


def cut(records: Iterable[InputRecord], partition: int, partitions: int) -> Iterator[Segment]:
    """The records of one partition as segments, in order."""
    segment = Segment()
    for record in records:
        letter = read(record, partition, partitions)
        if isinstance(letter.message, Tick):
            if segment.letters:
                yield segment
            yield Segment([letter], letter.message)
            segment = Segment()
        else:
            segment.letters.append(letter)
    if segment.letters:
        yield segment
