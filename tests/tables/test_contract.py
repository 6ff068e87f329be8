# SPDX-License-Identifier: Apache-2.0
"""What every implementation of the tables does; each test runs against all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from stream.tables import (
    DROPPED,
    NOTHING_APPLIED,
    Claim,
    Commit,
    Committed,
    Fenced,
    Record,
    Tables,
    View,
    Write,
)
from stream.tables.pieces import Pieces, join, stored
from tests.tables.conftest import PARTITIONS, Worker

MANY = 9_000  # beyond what one Lua unpack() can take


def record(name: str) -> Record:
    return Record("shadow.offers", name.encode(), b"\x00\xff" + name.encode())


async def claim(tables: Tables, partition: int = 0, generation: int = 1) -> Claim:
    return (await tables.claim([partition], generation, "worker-1"))[partition]


def step(claimed: Claim, to: int, partition: int = 0, **more: Any) -> Commit:
    """The first commit after a claim."""
    return Commit(partition, claimed.epoch, claimed.applied_offset, to, 1_000 + to, **more)


async def everything(tables: Tables) -> list[object]:
    """All that a reader can see, of all partitions."""
    partitions = range(PARTITIONS)
    return [
        [await tables.entities(partition) for partition in partitions],
        [await tables.due(partition, 2**53 - 1, 1_000) for partition in partitions],
        await tables.next_due(partitions),
        await tables.counts(partitions),
    ]


async def pending(tables: Tables, partition: int = 0) -> tuple[int, Sequence[Record]]:
    claimed = await claim(tables, partition, generation=1_000)
    return claimed.pending_from, claimed.pending


# -- notes --------------------------------------------------------------------------------------


async def test_a_note_is_true_with_its_step_and_stays_until_another(worker: Worker) -> None:
    one, other = await worker(), await worker()
    claimed = await claim(one)
    assert await other.notes(range(PARTITIONS), "rules") == {}
    await one.commit([step(claimed, 1, notes={"rules": b"\x00first", "waking": b"7"})])
    again = await claim(other)
    assert again.notes == {"rules": b"\x00first", "waking": b"7"}
    fenced = Commit(0, claimed.epoch, 1, 2, 2_000, notes={"rules": b"a zombie's"})
    assert isinstance((await one.commit([fenced]))[0], Fenced)
    await other.commit([step(again, 2, notes={"rules": b"second"})])
    assert await one.notes(range(PARTITIONS), "rules") == {0: b"second"}
    assert await one.notes([1, 0], "waking") == {0: b"7"}
    assert await one.counts(range(PARTITIONS)) == {}


async def test_who_is_let_go_on_is_known_to_all(worker: Worker) -> None:
    one, other = await worker(), await worker()
    here, there = ("wechat.pay", 3), ("wechat.pay", 30)
    assert await one.resumed([]) == {}
    assert await one.resumed([here, there]) == {}
    await one.resume(*here, 512)
    assert await other.resumed([there, here]) == {here: 512}
    await other.resume(*here, 1_024)
    await other.resume(*there, 7)
    assert await one.resumed([there, here]) == {here: 1_024, there: 7}


async def test_a_fit_store_has_no_trouble(tables: Tables) -> None:
    await tables.check()
    assert await tables.trouble() == ""
    await claim(tables)
    await claim(tables, partition=2)
    assert await tables.trouble() == ""
    assert await tables.entities(0) == {}


# -- claims -------------------------------------------------------------------------------------


async def test_the_first_claim_finds_nothing(tables: Tables) -> None:
    assert await tables.ready()
    claimed = await claim(tables)
    assert claimed == Claim(claimed.epoch, NOTHING_APPLIED, 0, 0, ())


async def test_every_claim_has_a_higher_epoch(worker: Worker) -> None:
    one, two = await worker(), await worker()
    epochs = [(await claim(tables, generation=7)).epoch for tables in (one, two, one, one)]
    assert epochs == sorted(set(epochs))


async def test_an_older_generation_gets_nothing_and_fences_nobody(worker: Worker) -> None:
    one, two = await worker(), await worker()
    claimed = await claim(one, partition=1, generation=10)
    granted = await two.claim([0, 1, 2], generation=9, owner="zombie")
    assert set(granted) == {0, 2}
    assert await one.commit([step(claimed, 5, partition=1)]) == [Committed(0)]


async def test_generations_are_compared_as_numbers(tables: Tables) -> None:
    await claim(tables, generation=9)
    assert (await tables.claim([0], 10, "worker-1")).keys() == {0}
    assert await tables.claim([0], 9, "worker-1") == {}


async def test_a_claim_returns_what_the_last_owner_left(worker: Worker) -> None:
    one, two = await worker(), await worker()
    outputs = (
        Record("shadow.offers", b"k", b"v", (("ce_id", b"1"), ("ce_id", b"\xff")), 3),
        Record("shadow.ledger", b"", b""),
        Record("shadow.dead-letters", None, None),
    )
    await one.commit([step(await claim(one), 41, outputs=outputs)])
    claimed = await claim(two)
    assert claimed == Claim(claimed.epoch, 41, 1_041, 0, outputs)


async def test_a_successor_goes_on_where_the_last_owner_stopped(worker: Worker) -> None:
    one, two = await worker(), await worker()
    claimed = await claim(one)
    for offset in range(5):
        await one.commit([Commit(0, claimed.epoch, offset - 1, offset, 0, outputs=[record("a")])])
    claimed = await claim(two)
    assert await two.commit([step(claimed, 9, counts={"applied": 5})]) == [Committed(5)]
    assert await two.counts([0]) == {"applied": 5}


async def test_positions_are_those_of_the_last_claim_and_commit(worker: Worker) -> None:
    one, two = await worker(), await worker()
    assert await one.positions([0, 1]) == {}
    claimed = await claim(one)
    assert await two.positions([0, 1]) == {0: (claimed.epoch, NOTHING_APPLIED)}
    await one.commit([step(claimed, 41)])
    assert await two.positions([0]) == {0: (claimed.epoch, 41)}


# -- commits ------------------------------------------------------------------------------------


async def test_a_commit_is_seen_whole(tables: Tables) -> None:
    commit = step(
        await claim(tables),
        5,
        writes={"union.a-b.o1": Write(b"\x00one", due_ms=70), "tx.4200": Write(b"")},
        counts={"applied": 6, "late": 0},
    )
    assert await tables.commit([commit]) == [Committed(0)]
    assert await everything(tables) == [
        [{"union.a-b.o1": b"\x00one", "tx.4200": b""}, {}, {}, {}],
        [["union.a-b.o1"], [], [], []],
        {0: 70},
        {"applied": 6, "late": 0},
    ]


async def test_a_fenced_commit_changes_nothing(worker: Worker) -> None:
    one, two = await worker(), await worker()
    old = await claim(one)
    await one.commit([step(old, 3, writes={"a": Write(b"1", due_ms=9)}, outputs=[record("x")])])
    await claim(two)
    before = await everything(two)
    writes = {"a": Write(None), "b": Write(b"2", due_ms=1)}
    zombie = Commit(0, old.epoch, 3, 4, 9_999, writes, [record("y")], 1, {"applied": 1})
    (answer,) = await one.commit([zombie])
    assert isinstance(answer, Fenced)
    assert "another owner" in answer.reason
    assert await everything(two) == before
    after = await claim(two)
    assert (after.applied_offset, after.clock_ms, after.pending) == (3, 1_003, (record("x"),))


@pytest.mark.parametrize("epoch", [-1, 0, 1])
async def test_a_partition_nobody_claimed_takes_no_commit(tables: Tables, epoch: int) -> None:
    (answer,) = await tables.commit([Commit(2, epoch, NOTHING_APPLIED, 0, 0)])
    assert isinstance(answer, Fenced)


@pytest.mark.parametrize(("expected", "to"), [(2, 5), (4, 5), (-1, 9), (3, 4)])
async def test_a_commit_at_a_bad_offset_is_refused(tables: Tables, expected: int, to: int) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 2)])
    await tables.commit([Commit(0, claimed.epoch, 2, 7, 0)])
    wrong = Commit(0, claimed.epoch, expected, to, 0, {"a": Write(b"1")}, [record("x")])
    (answer,) = await tables.commit([wrong])
    assert isinstance(answer, Fenced)
    assert "7" in answer.reason
    assert await tables.entities(0) == {}
    assert await pending(tables) == (0, ())


async def test_a_commit_made_twice_is_applied_once(tables: Tables) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 3, outputs=[record("a"), record("b")])])
    again = step(claimed, 8, outputs=[record("c")], counts={"applied": 5})
    again = replace(again, expected_offset=3)
    assert await tables.commit([again]) == [Committed(2)]
    assert await tables.commit([again]) == [Committed(2)]
    assert await tables.counts([0]) == {"applied": 5}
    assert await pending(tables) == (0, tuple(map(record, "abc")))


async def test_a_retry_is_recognised_after_a_tick(tables: Tables) -> None:
    claimed = await claim(tables)
    first = step(claimed, 3, outputs=[record("a")])
    tick = Commit(0, claimed.epoch, 3, 3, 2_000, outputs=[record("b")], counts={"ticks": 1})
    assert await tables.commit([first]) == [Committed(0)]
    assert await tables.commit([tick]) == [Committed(1)]
    assert await tables.commit([first]) == [Committed(0)]
    assert await pending(tables) == (0, (record("a"), record("b")))


async def test_a_tick_which_moves_no_offset_is_a_step_each_time(tables: Tables) -> None:
    claimed = await claim(tables)
    tick = Commit(0, claimed.epoch, NOTHING_APPLIED, NOTHING_APPLIED, 5, counts={"ticks": 1})
    assert await tables.commit([tick]) == [Committed(0)]
    assert await tables.commit([tick]) == [Committed(0)]
    assert await tables.counts([0]) == {"ticks": 2}
    assert (await claim(tables)).clock_ms == 5


async def test_partitions_are_committed_each_for_itself(worker: Worker) -> None:
    one, two = await worker(), await worker()
    claims = await one.claim(range(PARTITIONS), 1, "worker-1")
    await two.claim([2], 2, "worker-2")
    commits = [
        step(claims[partition], 1, partition, writes={f"k{partition}": Write(b"v")})
        for partition in (3, 2, 0)
    ]
    third, second, first = await one.commit(commits)
    assert third == first == Committed(0)
    assert isinstance(second, Fenced)
    assert await one.load({0: ["k0"], 2: ["k2"], 3: ["k3"]}) == {"k0": b"v", "k3": b"v"}


async def test_no_commits_are_no_work(tables: Tables) -> None:
    assert await tables.commit([]) == []


# -- entities -----------------------------------------------------------------------------------


async def test_load_leaves_out_what_is_absent(tables: Tables) -> None:
    claims = await tables.claim([0, 1], 1, "worker-1")
    await tables.commit(
        [
            step(claims[0], 0, 0, writes={"a": Write(b"1"), "A": Write(b"2")}),
            step(claims[1], 0, 1, writes={"b": Write(b"")}),
        ]
    )
    wanted = {0: ["a", "A", "b"], 1: ["b", "a"], 2: ["a"], 3: []}
    assert await tables.load(wanted) == {"a": b"1", "A": b"2", "b": b""}
    assert await tables.load({}) == {}


async def test_none_deletes_an_entity_and_its_due_time(tables: Tables) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 1, writes={"a": Write(b"1", 5), "b": Write(b"2", 6)})])
    deletion = Commit(0, claimed.epoch, 1, 2, 0, {"a": Write(None, due_ms=7), "c": Write(None)})
    await tables.commit([deletion])
    assert await tables.entities(0) == {"b": b"2"}
    assert await tables.due(0, 100, 10) == ["b"]


async def test_an_entity_is_read_with_its_pages(tables: Tables) -> None:
    """They come and go with the value which names them, and nobody sees one without the other."""
    claimed = await claim(tables)
    first = Pieces(b"\x91head", [4, 7], {4: b"four", 7: b"old"})
    writes = {"a": Write(stored(first), 5, pages=first.changed), "b": Write(b"\x91plain")}
    await tables.commit([step(claimed, 1, writes=writes)])
    whole = join(stored(first), [b"four", b"seven"])
    second = Write(stored(first), 5, pages={7: b"seven"})
    await tables.commit([Commit(0, claimed.epoch, 1, 2, 0, {"a": second})])
    assert await tables.load({0: ["a", "b", "c"]}) == {"a": whole, "b": b"\x91plain"}
    assert await tables.heads({0: ["a"]}) == {"a": stored(first)}
    assert await tables.entities(0) == {"a": whole, "b": b"\x91plain"}
    assert (await tables.view(0, ["a", "b"])).values == await tables.entities(0)
    assert await tables.due(0, 9, 9) == ["a"]
    last = Write(b"\x91head", pages={4: None, 7: None})
    await tables.commit([Commit(0, claimed.epoch, 2, 3, 0, {"a": last})])
    assert await tables.load({0: ["a"]}) == {"a": b"\x91head"}
    again = Write(stored(Pieces(b"\x91", [4])), pages={4: b"new"})
    await tables.commit([Commit(0, claimed.epoch, 3, 4, 0, {"a": again})])
    assert (await tables.load({0: ["a"]}))["a"].endswith(b"new\x91")


@pytest.mark.parametrize("key", ["a:b", "{other}", "*", "a b", "饼", "x" * 300])
async def test_any_key_is_taken_as_it_is(tables: Tables, key: str) -> None:
    await tables.commit([step(await claim(tables), 1, writes={key: Write(b"1", due_ms=1)})])
    assert await tables.entities(0) == await tables.load({0: [key]}) == {key: b"1"}
    assert await tables.due(0, 1, 1) == [key]


async def test_what_has_a_time_to_live_is_forgotten(tables: Tables) -> None:
    claimed = await claim(tables)
    writes = {"a": Write(b"1", ttl_s=1), "b": Write(b"2", ttl_s=1), "c": Write(b"3", ttl_s=900)}
    await tables.commit([step(claimed, 1, writes=writes)])
    assert set(await tables.load({0: ["a", "b", "c"]})) == {"a", "b", "c"}
    await tables.commit([Commit(0, claimed.epoch, 1, 2, 0, {"b": Write(b"kept")})])
    deadline_s = time.monotonic() + 10
    while "a" in await tables.load({0: ["a"]}):
        assert time.monotonic() < deadline_s
    assert await tables.entities(0) == {"b": b"kept", "c": b"3"}


# -- due times ----------------------------------------------------------------------------------


async def test_due_is_ordered_by_time_then_by_bytes(tables: Tables) -> None:
    at_7 = ["a", "B", "_", "-", "aa", "é", "z", "饼", "😀", "\uffee", "0"]
    writes = {key: Write(b"v", due_ms=7) for key in at_7} | {"zz": Write(b"v", due_ms=6)}
    await tables.commit([step(await claim(tables), 1, writes=writes)])
    expected = ["zz", *sorted(at_7, key=str.encode)]
    assert await tables.due(0, 7, 100) == expected
    assert await tables.due(0, 7, 5) == expected[:5]
    assert await tables.due(0, 6, 100) == ["zz"]
    assert await tables.due(0, 5, 100) == []
    assert await tables.due(0, 7, 0) == []
    assert await tables.next_due(range(PARTITIONS)) == {0: 6}


async def test_who_sleeps_longer_is_found_in_order_and_woken_earlier(tables: Tables) -> None:
    claimed = await claim(tables)
    writes = {name: Write(b"v", due_ms=due) for name, due in (("c", 9), ("b", 9), ("a", 7))}
    await tables.commit([step(claimed, 1, writes=writes | {"never": Write(b"v")})])
    assert await tables.due_after(0, 7, 10) == ["b", "c"]
    assert await tables.due_after(0, 6, 2) == ["a", "b"]
    assert await tables.due_after(0, 9, 10) == []
    assert await tables.due_after(1, 0, 10) == []
    waking = Commit(0, claimed.epoch, 1, 2, 3, {"a": Write(b"w", due_ms=8)}, wakes={"c": 5, "b": 5})
    await tables.commit([waking])
    assert await tables.due(0, 8, 10) == ["b", "c", "a"]
    assert await tables.entities(0) == {"a": b"w", "b": b"v", "c": b"v", "never": b"v"}


async def test_a_write_without_due_time_takes_it_away(tables: Tables) -> None:
    claimed = await claim(tables)
    when_ms = 1_767_225_600_123
    await tables.commit([step(claimed, 1, writes={"a": Write(b"1", when_ms), "b": Write(b"2", 9)})])
    await tables.commit([Commit(0, claimed.epoch, 1, 2, 0, {"b": Write(b"3")})])
    assert await tables.next_due([0]) == {0: when_ms}
    assert await tables.due(0, when_ms - 1, 10) == []
    assert await tables.due(0, when_ms, 10) == ["a"]


# -- pending output and counters ----------------------------------------------------------------


async def test_what_the_last_record_is_known_by_is_claimed_again(tables: Tables) -> None:
    claimed = await claim(tables)
    assert claimed.mark == ""
    await tables.commit([step(claimed, 3, mark="3:ab")])
    assert (await claim(tables, generation=2)).mark == "3:ab"


async def test_pending_output_is_listed_and_dropped_by_its_number(tables: Tables) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 3, outputs=[record("a"), record("b"), record("c")])])
    await tables.commit([replace(step(claimed, 4), expected_offset=3, published_before=1)])

    listed = await tables.pending(0)
    found = [(p.partition, p.sequence, p.record) for p in listed]
    assert found == [(0, 1, record("b")), (0, 2, record("c"))]
    assert all(p.bytes_stored > 0 for p in listed)
    dropped = [await tables.drop_pending(0, number) for number in (0, 1, 1, 3)]
    assert dropped == [False, True, False, False]
    assert await pending(tables) == (1, (DROPPED, record("c")))
    assert [p.record for p in await tables.pending(0)] == [DROPPED, record("c")]
    assert await tables.pending(1) == []


async def test_output_stays_until_it_is_published(tables: Tables) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 1, outputs=list(map(record, "abc")))])
    publish = Commit(0, claimed.epoch, 1, 2, 0, outputs=list(map(record, "de")), published_before=2)
    assert await tables.commit([publish]) == [Committed(3)]
    assert await pending(tables) == (2, tuple(map(record, "cde")))


async def test_sequence_numbers_go_on_when_all_is_published(tables: Tables) -> None:
    claimed = await claim(tables)
    await tables.commit([step(claimed, 1, outputs=list(map(record, "abc")))])
    emptied = Commit(0, claimed.epoch, 1, 1, 0, published_before=3)
    assert await tables.commit([emptied]) == [Committed(3)]
    late = Commit(0, claimed.epoch, 1, 2, 0, outputs=[record("d")], published_before=1)
    assert await tables.commit([late]) == [Committed(3)]
    assert await pending(tables) == (3, (record("d"),))


async def test_a_commit_cannot_drop_its_own_output(tables: Tables) -> None:
    eager = step(await claim(tables), 1, outputs=[record("a")], published_before=99)
    assert await tables.commit([eager]) == [Committed(0)]
    assert await pending(tables) == (0, (record("a"),))


async def test_counters_add_up_over_partitions(tables: Tables) -> None:
    claims = await tables.claim([0, 1], 1, "worker-1")
    await tables.commit(
        [
            step(claims[0], 1, 0, counts={"applied": 2, "dead letter": 1}),
            step(claims[1], 1, 1, counts={"applied": 40, "parked": -1}),
        ]
    )
    await tables.commit([Commit(0, claims[0].epoch, 1, 2, 0, counts={"applied": 500})])
    assert await tables.counts([0, 1, 2]) == {"applied": 542, "dead letter": 1, "parked": -1}
    assert await tables.counts([1]) == {"applied": 40, "parked": -1}


# -- sizes and mistakes -------------------------------------------------------------------------


async def test_thousands_of_entities_in_one_commit(tables: Tables) -> None:
    claimed = await claim(tables)
    names = [f"union.abc-brand.o{number:028d}" for number in range(MANY)]
    writes = {
        name: Write(name.encode(), number if number % 2 else None, 900 if number % 3 else None)
        for number, name in enumerate(names)
    }
    outputs = [record(name) for name in names]
    counts = dict.fromkeys(names, 1)
    await tables.commit([step(claimed, 1, writes=writes, outputs=outputs, counts=counts)])
    assert await tables.entities(0) == {name: name.encode() for name in names}
    assert await tables.due(0, MANY, MANY) == names[1::2]
    assert await tables.counts([0]) == counts
    assert await pending(tables) == (0, tuple(outputs))
    claimed = await claim(tables, generation=1_000)
    gone = {name: Write(None) for name in names}
    await tables.commit([step(claimed, 2, writes=gone, published_before=MANY)])
    assert await tables.entities(0) == {}
    assert await tables.next_due([0]) == {}
    assert await pending(tables) == (MANY, ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"partition": PARTITIONS},
        {"partition": -1},
        {"applied_offset": 2},
        {"applied_offset": 2**60},
        {"clock_ms": -1},
        {"published_before": -1},
        {"counts": {"applied": 2**62}},
        {"writes": {"a": Write(b"1", due_ms=2**60)}},
        {"writes": {"a": Write(b"1", ttl_s=0)}},
        {"writes": {"a": Write(b"1", ttl_s=2**50)}},
    ],
)
async def test_a_commit_which_could_fail_half_way_is_refused_whole(
    tables: Tables, wrong: dict[str, Any]
) -> None:
    claimed = await claim(tables)
    good = step(claimed, 3, writes={"b": Write(b"2")})
    await tables.commit([good])
    changes: dict[str, Any] = {"expected_offset": 3, "applied_offset": 4, **wrong}
    with pytest.raises(ValueError, match=r"^(a|the|partition) "):
        await tables.commit([replace(good, **changes)])
    assert await tables.entities(0) == {"b": b"2"}
    assert (await claim(tables)).applied_offset == 3


async def test_one_call_commits_a_partition_once(tables: Tables) -> None:
    claimed = await claim(tables)
    with pytest.raises(ValueError, match="one step"):
        await tables.commit([step(claimed, 1), step(claimed, 2)])


async def test_partitions_are_numbered_from_zero(tables: Tables) -> None:
    for call in (
        tables.claim([PARTITIONS], 1, "worker-1"),
        tables.load({PARTITIONS: ["a"]}),
        tables.due(-1, 0, 1),
        tables.next_due([PARTITIONS]),
        tables.counts([-1]),
        tables.entities(PARTITIONS),
    ):
        with pytest.raises(ValueError, match="partition"):
            await call


# -- reading on a live system ---------------------------------------------------------------------


async def test_a_scan_finds_every_entity_of_the_partition_in_pages(tables: Tables) -> None:
    names = [f"union.a-b.{number}" for number in range(450)]
    writes = {
        name: Write(name.encode(), due_ms=7 if name.endswith("0") else None) for name in names
    }
    await tables.commit([step(await claim(tables), 5, writes=writes)])
    other = await claim(tables, partition=1)
    await tables.commit([step(other, 5, partition=1, writes={"tx.1": Write(b"x")})])

    pages = [page async for page in tables.scan_entities(0)]

    assert {k: v for page in pages for k, v in page.values.items()} == await tables.entities(0)
    assert {k: d for page in pages for k, d in page.due_ms.items()} == {
        name: 7 for name in names if name.endswith("0")
    }
    assert {page.clock_ms for page in pages} == {1_005}
    assert max(len(page.values) for page in pages) <= 200


async def test_a_view_is_of_the_entities_asked_for(tables: Tables) -> None:
    writes = {"a": Write(b"1", due_ms=70), "b": Write(b"2"), "c": Write(b"3", due_ms=5)}
    await tables.commit([step(await claim(tables), 5, writes=writes)])
    assert await tables.view(0, ["a", "b", "x"]) == View(1_005, {"a": b"1", "b": b"2"}, {"a": 70})
    assert await tables.view(0, []) == View(1_005, {}, {})
    assert await tables.view(1, ["a"]) == View(0, {}, {})


async def test_nothing_is_scanned_where_nothing_is(tables: Tables) -> None:
    assert [page async for page in tables.scan_entities(3)] == []
