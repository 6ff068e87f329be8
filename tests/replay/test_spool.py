from __future__ import annotations

from pathlib import Path

import pytest

from stream.engine.facts import Fact
from stream.engine.messages import Arrived, Mark, Message, Refunded
from stream.replay import spool
from stream.replay.spool import Piece, Post, Slot, Spool, fetch, pack, unpack

ARRIVED = Arrived(Fact("k", "page.viewed.v1", "e", 5, 9, {"path": "/menu", "scene": 1007}), "o")


def test_messages_travel() -> None:
    messages: list[Message] = [ARRIVED, Mark(7, True), Refunded("r", "e", 1, 2, 3)]
    posts = [Post(n, "union.a.b", message) for n, message in enumerate(messages)]
    assert unpack(pack(posts)) == posts


def test_each_share_finds_its_own_in_order_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "HELD_MAX", 4)
    writers = [Spool(tmp_path / name) for name in "ab"]
    for number in range(20):
        for writer in writers:
            writer.add(Slot(0, number % 2), number % 3, Post(20 - number, str(number), ARRIVED))

    indexes = [writer.close() for writer in writers]

    for slot in (Slot(0, 0), Slot(0, 1)):
        for share in (0, 1, 2):
            pieces: list[Piece] = [p for index in indexes for p in index[slot][share]]
            expected = [n for n in reversed(range(20)) if n % 2 == slot.stage and n % 3 == share]
            assert [post.to for post in fetch(pieces)] == [str(n) for n in expected for _ in "ab"]
            assert sum(piece.posts for piece in pieces) == 2 * len(expected)
    assert len(indexes[0][Slot(0, 0)][0]) > 1  # written in several pieces
