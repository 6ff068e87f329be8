# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from stream.engine.model.facts import Fact
from stream.engine.model.messages import ErasureMark, FactReceived, Message, RefundReported
from stream.replay import spill as spill_file
from stream.replay.spill import Chunk, RoutedMessage, SpillFile, TimeSlot, pack, read_chunks, unpack

ARRIVED = FactReceived(
    Fact("k", "page.viewed.v1", "e", 5, 9, {"path": "/menu", "scene": 1007}), "o"
)


def test_messages_travel() -> None:
    messages: list[Message] = [ARRIVED, ErasureMark(7, True), RefundReported("r", "e", 1, 2, 3)]
    routed = [RoutedMessage(n, "union.a.b", message) for n, message in enumerate(messages)]
    assert unpack(pack(routed)) == routed


def test_each_share_finds_its_own_in_order_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill_file, "HELD_MAX", 4)
    writers = [SpillFile(tmp_path / name) for name in "ab"]
    for number in range(20):
        for writer in writers:
            writer.add(
                TimeSlot(0, number % 2),
                number % 3,
                RoutedMessage(20 - number, str(number), ARRIVED),
            )

    indexes = [writer.close() for writer in writers]

    for slot in (TimeSlot(0, 0), TimeSlot(0, 1)):
        for shard in (0, 1, 2):
            chunks: list[Chunk] = [p for index in indexes for p in index[slot][shard]]
            expected = [n for n in reversed(range(20)) if n % 2 == slot.phase and n % 3 == shard]
            assert [message.to for message in read_chunks(chunks)] == [
                str(n) for n in expected for _ in "ab"
            ]
            assert sum(chunk.messages for chunk in chunks) == 2 * len(expected)
    assert len(indexes[0][TimeSlot(0, 0)][0]) > 1  # written in several pieces
