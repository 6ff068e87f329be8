# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.kafka.record_marks import RecordMark, text_of
from stream.worker.in_process import LoggedRecord

LOG, OTHER_LOG = "a" * 32, "b" * 32


def mark(
    key: bytes | None = b"k", value: bytes | None = b"v", time: int = 1, at: int = 7
) -> RecordMark:
    return RecordMark.of(LoggedRecord(at, time, key, value))


def test_a_record_is_known_by_time_key_and_value() -> None:
    assert mark() == mark()
    others = {mark(b"kv", b""), mark(None, b"kv"), mark(time=2), mark(value=None), mark(value=b"")}
    assert len(others | {mark()}) == 6


def test_it_goes_through_text_with_and_without_the_topics_id() -> None:
    for one in (mark(), RecordMark(7, "0" * 16, LOG)):
        assert RecordMark.parse(str(one)) == one
        assert text_of(one) == str(one)
    assert text_of(None) == ""
    texts = ("", "7", "7:xyz", "7:" + "0" * 16 + ":zz")
    assert [*map(RecordMark.parse, texts)] == [None] * 4


def test_only_what_differs_at_the_same_place_is_another_record() -> None:
    assert mark().agrees(mark())
    assert not mark().agrees(mark(b"other"))
    assert mark().agrees(mark(b"other", at=8))


def test_a_log_without_id_may_be_any() -> None:
    known = RecordMark(7, "0" * 16, LOG)
    assert [known.is_of(log) for log in (LOG, "", OTHER_LOG)] == [True, True, False]
    assert mark().is_of(OTHER_LOG)
