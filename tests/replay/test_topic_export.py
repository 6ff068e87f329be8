# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from stream.replay.input_files import SourceRecord, read_line
from stream.replay.topic_export import line_of


@dataclass(frozen=True)
class Stored:
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    topic: str = "abc.wechat.pay"
    partition: int = 0
    offset: int = 7
    timestamp: int = 1_784_000_000_000
    timestamp_type: int = 1
    key: bytes | None = None


@pytest.mark.parametrize(
    ("value", "read"),
    [(b'{"a": "\xe7\xa7\xaf"}\n', None), (None, None), (b"\xff", "\ufffd".encode())],
)
def test_a_line_is_read_as_the_record_was(value: bytes | None, read: bytes | None) -> None:
    """Bytes that are no text become others that are no event."""
    record = Stored(value, [("ce_id", b"1"), ("ce_id", "\u79ef".encode())])
    line = line_of(record.topic, record)
    assert line.count(b"\n") == 1
    expected = SourceRecord(record.topic, read or value, record.headers, record.timestamp)
    assert read_line(line) == expected
