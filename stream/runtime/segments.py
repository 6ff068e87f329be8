"""Runs of the resolved topic, cut where a tick stands.

A tick concerns whoever is due *now*, which the tables know only once everything before it is
committed; so it is a segment of its own, between two commits.

A record without value is a *tombstone*: Kafka drops it together with every record of its key. It
has no effect but that the offset moves on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from stream.engine.messages import TICK_TO, Message, Tick, decode
from stream.runtime.partitioning import ERASED, entity_partition
from stream.runtime.runs import InputRecord

_KINDS = tuple(f"{kind}." for kind in ("union", "origin", "tx", ERASED))


class Letter(msgspec.Struct, frozen=True, gc=False):
    """A record of the resolved log, read. Without a message it is not one of ours."""

    record: InputRecord
    key: str = ""  # of the entity it is for
    message: Message | None = None


@dataclass(slots=True)
class Segment:
    """What one commit of one partition takes in: letters, or a single tick.

    ``last_offset`` is that of the last record, which may be a tombstone; without letters all
    are.
    """

    last_offset: int
    letters: list[Letter] = field(default_factory=list)
    tick: Tick | None = None

    @property
    def last_timestamp_ms(self) -> int:
        """Of the last letter, of which there must be one."""
        return self.letters[-1].record.timestamp


def read(record: InputRecord, partition: int, partitions: int) -> Letter | None:
    """A record as a letter, ``None`` for a tombstone.

    Whatever no engine wrote to this partition is a letter without a message.
    """
    if record.value is None:
        return None
    try:
        key, message = decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Letter(record)
    if key == TICK_TO or type(message) is Tick:
        ours = key == TICK_TO and type(message) is Tick
    else:
        ours = key.startswith(_KINDS) and entity_partition(key, partitions) == partition
    return Letter(record, key, message) if ours else Letter(record)


def cut(records: Iterable[InputRecord], partition: int, partitions: int) -> Iterator[Segment]:
    """The records of one partition as segments, in order."""
    segment: Segment | None = None
    for record in records:
        letter = read(record, partition, partitions)
        if letter is not None and isinstance(letter.message, Tick):
            if segment is not None:
                yield segment
            yield Segment(record.offset, [letter], letter.message)
            segment = None
            continue
        segment = segment or Segment(record.offset)
        segment.last_offset = record.offset
        if letter is not None:
            segment.letters.append(letter)
    if segment is not None:
        yield segment
