# SPDX-License-Identifier: Apache-2.0
"""Mark offsets without a readable record, and recover the readable records around them.

Gaps are passed on among the records, so that offsets are handled in order, and once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import _DefaultRecordBatchPy as Batch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from stream.kafka.record_batches import InputRecord

#: In a batch, base offset and length stand before the bytes that the length counts.
_BEFORE_LENGTH: Final = 8
_OVERHEAD: Final = 12
_MAGIC_AT: Final = 16
#: No batch has more; a header with a larger number is damaged.
_OFFSETS_MAX: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class OffsetGap:
    """Offsets up to this one hold nothing to handle: transaction markers, aborted records."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class UnreadableRecords(OffsetGap):
    """Records that Kafka's client cannot decode: one, or all of a damaged batch.

    They are ``first`` to ``offset``; ``problem`` is the client's error, without their bytes.
    """

    first: int = 0
    problem: str = ""

    def __str__(self) -> str:
        many = (
            f"Offsets {self.first} to {self.offset}" if self.first < self.offset else "The record"
        )
        return (
            f"{many} cannot be read by Kafka's client ({self.problem}): a header name that is not "
            "UTF-8, or damaged bytes. They are not in this dead letter; look at the topic with "
            "another client, and publish again what can be saved."
        )


def first_offset(record: InputRecord) -> int:
    """The offset of a record, or the first of a gap."""
    return record.first if isinstance(record, UnreadableRecords) else record.offset


def is_record(record: InputRecord) -> bool:
    """Whether it is a record, and not a gap."""
    return not isinstance(record, OffsetGap)


def last_record(records: Sequence[InputRecord]) -> InputRecord | None:
    """The last one that is not a gap."""
    return next(filter(is_record, reversed(records)), None)


def is_local_fault(problem: Exception) -> bool:
    """Whether a record cannot be read because of this installation."""
    missing = isinstance(problem, UnsupportedCodecError) and "Libraries" in str(problem)
    return missing or isinstance(problem, MemoryError)


def recovered_records(tp: Any, raw: bytes, aborted: Any, at: int) -> list[InputRecord]:
    """The records of the batch at an offset, if aiokafka cannot decode one of them; else nothing.

    ``raw`` and ``aborted`` are a broker's answer to a fetch at that offset. Undecodable records
    become :class:`UnreadableRecords`: one, or all of a damaged batch.
    """
    records = PartitionRecords(
        tp, MemoryRecords(raw), aborted, at, None, None, True, READ_COMMITTED
    )
    try:
        for _ in records:
            return []
    except Exception as error:
        if is_local_fault(error):
            raise
        return _salvaged(records, raw, records.next_fetch_offset, type(error).__name__)
    return []


def _salvaged(records: Any, raw: bytes, at: int, problem: str) -> list[InputRecord]:
    for batch in _batches(raw):
        if batch.next_offset <= at:
            continue
        first, last = max(batch.base_offset, at), batch.next_offset - 1
        if not 0 <= last - first <= _OFFSETS_MAX:
            break
        try:
            if batch.validate_crc():
                batch._maybe_uncompress()
                return list(_decoded(records, batch, at, problem))
        except Exception:  # of the codec, or of wrong lengths
            pass
        return [UnreadableRecords(last, first=first, problem=problem)]
    return [UnreadableRecords(at, first=at, problem=problem)]


def _decoded(records: Any, batch: Any, at: int, problem: str) -> Iterator[InputRecord]:
    """Decode record by record from an offset on; aiokafka gives up at the first bad one."""
    for offset, start, end in list(_records(batch)):
        if offset < at:
            continue
        batch._pos = start
        try:
            record = batch._read_msg()
        except (ValueError, IndexError, CorruptRecordException):
            yield UnreadableRecords(offset, first=offset, problem=problem)
        else:
            yield records._consumer_record(records._tp, record)
        batch._pos = end


def _batches(raw: bytes) -> Iterator[Any]:
    at = 0
    while len(raw) - at >= Batch.HEADER_STRUCT.size and raw[at + _MAGIC_AT] == 2:
        length = int.from_bytes(raw[at + _BEFORE_LENGTH : at + _OVERHEAD], signed=True)
        if not Batch.HEADER_STRUCT.size <= _OVERHEAD + length <= len(raw) - at:
            return
        yield Batch(memoryview(raw)[at : at + _OVERHEAD + length])
        at += _OVERHEAD + length


def _records(batch: Any) -> Iterator[tuple[int, int, int]]:
    """Offset, start and end of the records, without decoding them."""
    buffer, at = batch._buffer, batch._pos
    for _ in range(batch._num_records):
        length, start = decode_varint(buffer, at)
        _, within = decode_varint(buffer, start)  # attributes
        _, within = decode_varint(buffer, within)  # time
        delta, _ = decode_varint(buffer, within)
        if length <= 0 or start + length > len(buffer):
            raise CorruptRecordException
        yield batch.base_offset + delta, at, start + length
        at = start + length
