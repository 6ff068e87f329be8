# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from stream.engine.points.offer_blocks import Live
from stream.replay.balances_file import balance_line, write_all, write_part


def test_a_line_says_what_is_offered() -> None:
    assert balance_line("union.a.b", 7, "lapsed") == (
        b'{"consumer_id":"union.a.b","balance":7,"offer":null}\n'
    )
    assert balance_line("union.a.b", 7, Live(7, 1, [])).endswith(b'"offer":7}\n')


def test_parts_become_one_file_in_order_for_its_owner(tmp_path: Path) -> None:
    parts = [tmp_path / "one", tmp_path / "two"]
    keys = ["union.a.b", "origin.a.b", "union.a.b-c", "origin.a.B"]
    for part, some in zip(parts, (keys[::2], keys[1::2]), strict=True):
        write_part(part, [balance_line(key, 1, "lapsed") for key in some])
    file = tmp_path / "balances"
    file.write_text("what was there before " * 50, "utf-8")
    file.chmod(0o644)

    write_all(file, parts)

    lines = file.read_bytes().splitlines()
    assert [line.split(b'"')[3].decode() for line in lines] == sorted(keys)
    assert file.stat().st_mode & 0o777 == 0o600
