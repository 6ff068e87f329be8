from __future__ import annotations

import pytest

from stream.engine.messages import TICK_KEY, Refuse, Tick, encode
from stream.local import LoggedRecord
from stream.runtime.partitioning import entity_partition
from stream.runtime.segments import cut, read

PARTITIONS = 4
KEY = "origin.wx1.o1"
HERE = entity_partition(KEY, PARTITIONS)
REFUSE = encode(Refuse("snapshot_user"))
TICK = encode(Tick(7))


def record(offset: int, key: bytes | None, value: bytes | None) -> LoggedRecord:
    return LoggedRecord(offset, 1000 + offset, key, value)


def test_a_tick_stands_alone_between_two_commits() -> None:
    keys = [KEY, KEY, TICK_KEY, KEY, TICK_KEY, TICK_KEY]
    records = [
        record(n, key.encode(), TICK if key == TICK_KEY else REFUSE) for n, key in enumerate(keys)
    ]

    segments = list(cut(records, HERE, PARTITIONS))

    assert [(len(s.letters), s.tick, s.last_offset, s.last_timestamp_ms) for s in segments] == [
        (2, None, 1, 1001),
        (1, Tick(7), 2, 1002),
        (1, None, 3, 1003),
        (1, Tick(7), 4, 1004),
        (1, Tick(7), 5, 1005),
    ]


@pytest.mark.parametrize(
    ("key", "value", "partition"),
    [
        (None, REFUSE, HERE),
        (KEY.encode(), None, HERE),
        (b"\xff", REFUSE, HERE),
        (KEY.encode(), b"\xc1", HERE),
        (KEY.encode(), b"", HERE),
        (KEY.encode(), TICK, HERE),
        (TICK_KEY.encode(), REFUSE, HERE),
        (b"somebody", REFUSE, entity_partition("somebody", PARTITIONS)),
        (KEY.encode(), REFUSE, (HERE + 1) % PARTITIONS),
    ],
    ids=str,
)
def test_what_no_engine_wrote_there_has_no_message(
    key: bytes | None, value: bytes | None, partition: int
) -> None:
    assert read(record(0, key, value), partition, PARTITIONS).message is None


def test_a_letter_of_ours_is_read() -> None:
    letter = read(record(0, KEY.encode(), REFUSE), HERE, PARTITIONS)

    assert (letter.key, letter.message) == (KEY, Refuse("snapshot_user"))
