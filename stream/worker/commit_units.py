# SPDX-License-Identifier: Apache-2.0
"""Split batches of the resolved log into commit units; every tick is a unit of its own.

A tick concerns the entities that are due *now*. The tables know them only once everything before
the tick is committed, so a tick stands between two commits.

A record without value is a *tombstone*: Kafka drops it together with every record of its key. Like
a gap (``stream.kafka.unreadable_records``) it only moves the offset on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from stream.addressing.partitioning import ERASED, entity_partition
from stream.engine.model.messages import (
    RULES_TO,
    TICK_TO,
    CampaignEnded,
    Message,
    RulesChanged,
    Tick,
    decode,
)
from stream.kafka.record_batches import InputRecord
from stream.kafka.unreadable_records import UnreadableRecords, is_record

#: Messages to the partition itself, by their address.
_TO_PARTITION = {TICK_TO: (Tick,), RULES_TO: (RulesChanged, CampaignEnded)}
#: Messages about the rules of a partition.
RulesMessage = RulesChanged | CampaignEnded
_KINDS = tuple(f"{kind}." for kind in ("union", "origin", "tx", ERASED))


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A decoded record of the resolved log; ``message`` is None if the engine did not write it."""

    record: InputRecord
    key: str = ""  # of the entity it is for
    message: Message | None = None


@dataclass(slots=True)
class CommitUnit:
    """The records of one commit in one partition: envelopes, or a single tick.

    A unit that is too much work for one commit is applied in several. ``last_offset`` is that of
    the last record, which may be a tombstone; a unit without envelopes has tombstones only.
    """

    last_offset: int
    envelopes: list[Envelope] = field(default_factory=list)
    tick: Tick | None = None
    last: InputRecord | None = None  # the last record that could be read
    done: bool = False  # applied, or dropped with its partition

    def keys(self) -> list[str]:
        """The entities that its envelopes are for."""
        envelopes = (
            n for n in self.envelopes if n.message and not isinstance(n.message, RulesMessage)
        )
        return list(dict.fromkeys(envelope.key for envelope in envelopes))

    @property
    def last_timestamp_ms(self) -> int:
        """Of the last envelope, of which there must be one."""
        return self.envelopes[-1].record.timestamp


def read(record: InputRecord, partition: int, partitions: int) -> Envelope | None:
    """Decode a record; ``None`` for a tombstone.

    A record that no engine wrote to this partition becomes an envelope without a message.
    """
    if isinstance(record, UnreadableRecords):
        return Envelope(record)
    if record.value is None:
        return None
    try:
        key, message = decode(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Envelope(record)
    if key in _TO_PARTITION or isinstance(message, Tick | RulesMessage):
        ours = isinstance(message, _TO_PARTITION.get(key, ()))
    else:
        ours = key.startswith(_KINDS) and entity_partition(key, partitions) == partition
    return Envelope(record, key, message) if ours else Envelope(record)


def cut(records: Iterable[InputRecord], partition: int, partitions: int) -> Iterator[CommitUnit]:
    """Split the records of one partition into units, in order."""
    unit: CommitUnit | None = None
    for record in records:
        envelope = read(record, partition, partitions)
        if envelope is not None and isinstance(envelope.message, Tick):
            if unit is not None:
                yield unit
            yield CommitUnit(record.offset, [envelope], envelope.message, last=record)
            unit = None
            continue
        unit = unit or CommitUnit(record.offset)
        unit.last_offset = record.offset
        if is_record(record):
            unit.last = record
        if envelope is not None:
            unit.envelopes.append(envelope)
    if unit is not None:
        yield unit
