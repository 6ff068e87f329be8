# SPDX-License-Identifier: Apache-2.0
"""What Kafka's client cannot decode, and how far it reaches; batches as aiokafka builds them."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from stream.kafka.unreadable_records import (
    OffsetGap,
    UnreadableRecords,
    first_offset,
    last_record,
    recovered_records,
)
from stream.worker.in_process import LoggedRecord

PLACE = TopicPartition("wechat.pay", 0)
_HEAD = 61  # bytes of a batch before its records


def batch(first: int, names: Sequence[str], codec: int = 0) -> bytearray:
    """A batch whose records have a header of these names."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 100_000)
    for at, name in enumerate(names):
        assert builder.append(at, 1_000, b"k", b"value", [(name, b"x")])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8)
    return raw


def with_bad_name(first: int, names: Sequence[str], codec: int = 0) -> bytes:
    """The same; where a name is ``!!`` it becomes bytes which are no UTF-8."""
    raw = batch(first, names).replace(b"!!", b"\xff\xfe")
    if codec:
        raw[_HEAD:] = gzip.compress(raw[_HEAD:])
        raw[22] |= codec
        raw[8:12] = (len(raw) - 12).to_bytes(4)
    return with_crc(raw)


def with_crc(raw: bytearray) -> bytes:
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4)
    return bytes(raw)


def found(raw: bytes, at: int) -> list[int | tuple[int, int, str]]:
    """Offsets of records, and the bounds of gaps with their problem."""
    return [
        (r.first, r.offset, r.problem) if isinstance(r, UnreadableRecords) else r.offset
        for r in recovered_records(PLACE, raw, None, at)
    ]


def test_what_can_be_read_needs_no_salvage() -> None:
    assert found(bytes(batch(5, ["a", "b"])), 5) == []
    assert found(b"", 5) == []


@pytest.mark.parametrize("codec", [0, 1])
def test_a_bad_header_name_costs_its_own_record(codec: int) -> None:
    raw = with_bad_name(5, ["a", "!!", "c"], codec)
    bad = (6, 6, "UnicodeDecodeError")
    assert found(raw, 5) == []  # 5 itself is sound
    assert found(raw, 6) == [bad, 7]
    assert found(raw, 7) == [7]
    assert found(raw + bytes(batch(8, ["d"])), 6) == [bad, 7]
    [_, record] = recovered_records(PLACE, raw, None, 6)
    assert (record.timestamp, record.key, record.value) == (1_000, b"k", b"value")
    assert list(record.headers) == [("c", b"x")]


@pytest.mark.parametrize("at", [5, 6])
def test_a_damaged_batch_is_one_hole_up_to_its_end(at: int) -> None:
    raw = batch(5, ["a", "b", "c"])
    raw[-3] ^= 1
    assert found(bytes(raw), at) == [(at, 7, "CorruptRecordException")]


def test_bytes_which_do_not_unpack_are_one_hole() -> None:
    raw = batch(5, ["a", "b"])
    raw[22] |= 1  # gzip, which it is not
    [(first, last, _)] = found(with_crc(raw), 5)  # type: ignore[misc]
    assert (first, last) == (5, 6)


def test_a_batch_which_says_that_it_is_endless_costs_one_offset() -> None:
    raw = batch(5, ["a"])
    raw[23:27] = (2**31 - 1).to_bytes(4)  # the last offset's distance
    [(first, last, _)] = found(bytes(raw), 5)  # type: ignore[misc]
    assert (first, last) == (5, 5)


def test_a_gap_says_where_it_is() -> None:
    assert "Offsets 3 to 5 cannot be read" in str(UnreadableRecords(5, first=3, problem="X"))
    assert "The record cannot be read" in str(UnreadableRecords(5, first=5, problem="X"))
    record = LoggedRecord(9, 0, None, b"")
    assert [first_offset(r) for r in (record, UnreadableRecords(5, first=3))] == [9, 3]
    assert last_record([record, OffsetGap(10)]) == record
    assert last_record([OffsetGap(10)]) is None
