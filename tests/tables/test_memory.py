# SPDX-License-Identifier: Apache-2.0
"""What the contract cannot show: the clock is an argument."""

from __future__ import annotations

from stream.tables import Commit, MemoryTables, Write
from stream.tables.base import RESUME_KEPT_S


async def test_time_to_live_counts_on_the_given_clock() -> None:
    now_s = 100.0
    tables = MemoryTables(1, clock_s=lambda: now_s)
    claim = (await tables.claim([0], 1, "worker-1"))[0]
    writes = {"a": Write(b"1", ttl_s=10), "b": Write(b"2", ttl_s=10), "c": Write(b"3", ttl_s=10)}
    await tables.commit([Commit(0, claim.epoch, -1, 0, 0, writes)])
    now_s = 105.0
    again = {"b": Write(b"4", ttl_s=10), "c": Write(None)}
    await tables.commit([Commit(0, claim.epoch, 0, 1, 0, again)])
    now_s = 109.9
    assert await tables.load({0: ["a", "b", "c"]}) == {"a": b"1", "b": b"4"}
    now_s = 110.0
    assert await tables.load({0: ["a", "b", "c"]}) == {"b": b"4"}
    now_s = 115.0
    assert await tables.entities(0) == {}


async def test_an_operator_s_word_about_a_partition_is_forgotten_after_a_week() -> None:
    now_s, place = 100.0, ("wechat.pay", 3)
    tables = MemoryTables(1, clock_s=lambda: now_s)
    await tables.resume(*place, 512)
    now_s += RESUME_KEPT_S - 1
    assert await tables.resumed([place]) == {place: 512}
    now_s += 1
    assert await tables.resumed([place]) == {}


async def test_a_group_which_counts_anew_gets_in_after_a_minute() -> None:
    now_s = 100.0
    tables = MemoryTables(1, clock_s=lambda: now_s)
    before = (await tables.claim([0], 40, "worker-1"))[0]
    now_s = 159.0
    assert await tables.claim([0], 1, "worker-2") == {}
    now_s = 160.0
    after = (await tables.claim([0], 1, "worker-2"))[0]
    assert after.epoch > before.epoch
