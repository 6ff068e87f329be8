# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from stream.replay import input_files as lines
from stream.replay.input_files import LinePosition, SourceRecord, blocks, read_line
from tests.replay.exported import wrap


def everything(paths: list[Path]) -> list[tuple[LinePosition, bytes]]:
    """Every line with its place, as a reader of blocks sees it."""
    found = []
    for block in blocks(paths, lambda _: None):
        for number, data in enumerate(block.data.split(b"\n")):
            if data:
                found.append((LinePosition(block.at.file, block.at.line + number), data))
    return found


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_keep_their_places(
    tmp_path: Path, packed: bool, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 7)
    path, other = tmp_path / "a", tmp_path / "b"
    data = b"one\n\ntwo and more\nthree" + end
    path.write_bytes(gzip.compress(data) if packed else data)
    other.write_bytes(b"four\n")

    assert everything([path, other]) == [
        (LinePosition(0, 1), b"one"),
        (LinePosition(0, 3), b"two and more"),
        (LinePosition(0, 4), b"three"),
        (LinePosition(1, 1), b"four"),
    ]


def test_of_a_line_without_end_the_beginning_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 4)
    monkeypatch.setattr(lines, "LINE_BYTES_MAX", 10)
    path = tmp_path / "a"
    path.write_bytes(b"one\n" + b"x" * 1000 + b"\ntwo\n")

    (first, long, last) = everything([path])

    assert (first, last) == ((LinePosition(0, 1), b"one"), (LinePosition(0, 3), b"two"))
    assert long[0] == LinePosition(0, 2)
    assert 10 < len(long[1]) < 20


def test_the_sizes_of_blocks_add_up_to_what_is_stored(tmp_path: Path) -> None:
    sizes: list[int] = []
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_bytes(gzip.compress(b"one\ntwo\n" * 1000))
    paths[1].write_bytes(b"three\n")

    for _ in blocks(paths, sizes.append):
        pass

    assert sum(sizes) == sum(path.stat().st_size for path in paths)


def test_a_torn_gzip_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(b"one\ntwo\n" * 1000)[:-9])

    with pytest.raises(EOFError):
        everything([path])


def test_a_structured_event_is_of_the_topic_of_its_type() -> None:
    line = b'{"type": "payment.succeeded.v1", "id": "1"}'
    assert read_line(line) == SourceRecord("wechat.pay", line)


@pytest.mark.parametrize(
    "line",
    [
        *(b"{", b"[]", b'{"type": "offer.issued.v1"}', b'{"type": 7}'),
        *(b'{"topic": 1, "payload": "x"}', b'{"topic": "t", "payload": {}}'),
        b'{"topic": "t", "payload": "x", "headers": "ce_id"}',
        b'{"topic": "t", "payload": "x", "headers": [{}]}',
    ],
)
def test_what_is_no_event_stays_as_it_is(line: bytes) -> None:
    assert read_line(line) == SourceRecord("", line)


def test_kcat_wraps_a_record() -> None:
    line = wrap("wechat.pay", "{}", 1_784_000_000_000, ["ce_id", "7", "ce_type", "a"])
    headers = [("ce_id", b"7"), ("ce_type", b"a")]
    assert read_line(line) == SourceRecord("wechat.pay", b"{}", headers, 1_784_000_000_000)


def test_a_record_without_value_or_time() -> None:
    assert read_line(wrap("t", None, -1)) == SourceRecord("t", None, [], None)
