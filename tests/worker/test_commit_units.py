# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.addressing.partitioning import entity_partition
from stream.engine.model.messages import RULES_TO, TICK_TO, Refuse, RulesChanged, Tick, encode
from stream.worker.commit_units import Envelope, cut, read
from stream.worker.in_process import LoggedRecord

PARTITIONS = 4
KEY = "origin.wx1.o1"
HERE = entity_partition(KEY, PARTITIONS)
REFUSE = encode(KEY, Refuse("snapshot_user"))
TICK = encode(TICK_TO, Tick(7))
BEYOND_UTF_8 = REFUSE.replace(KEY.encode(), b"\xff" * len(KEY))


def record(offset: int, value: bytes | None) -> LoggedRecord:
    return LoggedRecord(offset, 1000 + offset, b"any key", value)


def cuts(*values: bytes | None, first: int = 0, step: int = 1) -> list[tuple[int, object, int]]:
    """Envelopes, tick and last offset of the units."""
    records = [record(first + step * n, value) for n, value in enumerate(values)]
    return [(len(s.envelopes), s.tick, s.last_offset) for s in cut(records, HERE, PARTITIONS)]


def test_a_tick_stands_alone_between_two_commits() -> None:
    values = [REFUSE, REFUSE, TICK, REFUSE, TICK, TICK]
    records = [record(n, value) for n, value in enumerate(values)]
    units = list(cut(records, HERE, PARTITIONS))
    assert [(len(s.envelopes), s.tick, s.last_offset, s.last_timestamp_ms) for s in units] == [
        (2, None, 1, 1001),
        (1, Tick(7), 2, 1002),
        (1, None, 3, 1003),
        (1, Tick(7), 4, 1004),
        (1, Tick(7), 5, 1005),
    ]


@pytest.mark.parametrize(
    ("value", "partition"),
    [
        (b"\xc1", HERE),
        (b"", HERE),
        (BEYOND_UTF_8, HERE),
        (encode(KEY, Tick(7)), HERE),
        (encode(TICK_TO, Refuse("x")), HERE),
        (encode(TICK_TO, RulesChanged(1, b"")), HERE),
        (encode(RULES_TO, Tick(7)), HERE),
        (encode(KEY, RulesChanged(1, b"")), HERE),
        (encode("somebody", Refuse("x")), entity_partition("somebody", PARTITIONS)),
        (REFUSE, (HERE + 1) % PARTITIONS),
    ],
    ids=str,
)
def test_what_no_engine_wrote_there_has_no_message(value: bytes, partition: int) -> None:
    envelope = record(0, value)
    assert read(envelope, partition, PARTITIONS) == Envelope(envelope)


@pytest.mark.parametrize("key", [None, b"\xff", b"one of its own"])
def test_a_message_of_the_workers_is_read_whatever_its_kafka_key(key: bytes | None) -> None:
    found = LoggedRecord(0, 1000, key, REFUSE)
    assert read(found, HERE, PARTITIONS) == Envelope(found, KEY, Refuse("snapshot_user"))


def test_tombstones_are_passed_over_and_the_offset_moves_past_them() -> None:
    assert cuts(None, REFUSE, None, REFUSE, None) == [(2, None, 4)]
    assert cuts(None, TICK, None) == [(0, None, 0), (1, Tick(7), 1), (0, None, 2)]
    assert cuts(None, None) == [(0, None, 1)]
    assert cuts() == []


def test_offsets_may_have_gaps() -> None:
    assert cuts(REFUSE, REFUSE, TICK, REFUSE, first=5, step=10) == [
        (2, None, 15),
        (1, Tick(7), 25),
        (1, None, 35),
    ]
