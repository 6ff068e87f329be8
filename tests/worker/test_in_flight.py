# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from faust.types import TP

from stream.kafka.record_batches import Batch, InputRecord
from stream.kafka.record_marks import RecordMark
from stream.kafka.unreadable_records import OffsetGap
from stream.worker.in_flight import InFlight
from stream.worker.in_process import LoggedRecord

PAY, PAY_1 = TP("pay", 0), TP("pay", 1)


def batch(*offsets: int, partition: int = 0) -> Batch:
    return Batch("pay", partition, [record(offset) for offset in offsets], log="id")


def record(offset: int) -> InputRecord:
    return LoggedRecord(offset, 1_000, None, b"%d" % offset)


def delivered(*batches: Batch, done: tuple[Batch, ...] = ()) -> InFlight:
    found = InFlight()
    for each in batches:
        found.deliver(each)
    for each in done:
        found.done(each)
    return found


def test_the_offset_after_what_is_done_without_a_gap_is_committed() -> None:
    first, second, third = batch(9), batch(19), batch(29)
    batches = delivered(first, second, third, done=(third, first))
    assert batches.take(PAY) == 10
    assert batches.take(PAY) is None
    batches.done(second)
    assert batches.take(PAY) == 30


def test_offsets_may_have_gaps_and_go_back() -> None:
    first, second, third = batch(9, 1_000), batch(1_002), batch(3)
    batches = delivered(first, second, done=(first,))
    assert batches.take(PAY) == 1_001
    batches.done(second)
    assert batches.take(PAY) == 1_003
    batches.deliver(third)
    batches.done(third)
    assert batches.take(PAY) == 4


def test_nothing_is_committed_while_the_first_batch_is_in_flight() -> None:
    last = batch(19)
    assert delivered(batch(9), last, done=(last,)).take(PAY) is None


def test_forgotten_batches_are_neither_waited_for_nor_committed() -> None:
    first, second, other = batch(9), batch(19), batch(5, partition=1)
    batches = delivered(first, second, other, done=(first,))

    batches.forget([PAY])

    batches.done(second)
    assert batches.take(PAY) is None
    assert list(batches) == [PAY_1]
    batches.deliver(batch(19))  # it was fetched anew
    batches.done(second)  # and the first one of before is late
    assert batches.take(PAY) is None
    batches.done(other)
    assert batches.take(PAY_1) == 6
    batches.forget()
    assert list(batches) == []


def test_the_last_record_that_could_be_read_is_what_an_offset_is_known_by() -> None:
    only_gap = Batch("pay", 0, [OffsetGap(4)])
    mixed = Batch("pay", 0, [record(5), OffsetGap(8)], log="id")
    batches = delivered(only_gap, done=(only_gap,))
    before = RecordMark(3, "0123456789abcdef")
    batches.resume({PAY: before})
    assert (batches.take(PAY), batches.mark(PAY)) == (5, before)
    batches.deliver(mixed)
    batches.done(mixed)
    assert (batches.take(PAY), batches.mark(PAY)) == (9, RecordMark.of(record(5), "id"))
    assert batches.mark(PAY_1) is None
