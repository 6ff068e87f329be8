# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.decision import Send
from stream.engine.model.messages import Erase
from stream.privacy.pending_tombstones import DeferredTombstones, PendingTombstones
from stream.tables import Record
from tests.support.erasable import Kept

TOPIC = "shadow.resolved"
HEADERS = {b"c": (("ce_type", b"t"),)}


def record(offset: int, key: bytes | None, value: bytes | None = b"v", partition: int = 1) -> Kept:
    return Kept(TOPIC, partition, offset, 0, key, value)


def tombstone(key: bytes, partition: int = 1) -> Record:
    return Record(TOPIC, key, None, HEADERS.get(key, ()), partition)


def test_what_is_pending_is_taken_once() -> None:
    pending, said = PendingTombstones(TOPIC, 1), Send("union.a.b", Erase(1))
    pending.add(b"a")
    pending.add(b"b", [said])
    pending.add(b"c", (), HEADERS[b"c"])
    pending.add(None)
    assert len(pending) == 3
    assert pending.take() == ([said], [tombstone(b"a"), tombstone(b"b"), tombstone(b"c")])
    assert pending.take() == ([], [])


def test_a_later_tombstone_has_done_it_and_a_record_after_it_has_not() -> None:
    pending = PendingTombstones(TOPIC, 1)
    pending.add(b"a")
    pending.see(record(2, b"a", None))
    pending.see(record(3, None, None))
    assert len(pending) == 0
    pending.add(b"a")
    pending.see(record(4, b"a"))
    assert len(pending) == 1


def test_a_deferred_record_is_remembered_when_its_record_has_a_tombstone() -> None:
    deferred = DeferredTombstones()
    deferred.add(record(1, b"a"), "tx.1")
    deferred.add(record(1, b"a", partition=2), "tx.2")
    deferred.see(record(2, b"a", None))
    assert deferred.has_payment("tx.1")
    assert not deferred.has_payment("tx.3")
    assert "" not in deferred
    taken = [tomb for pending in deferred.pending() for tomb in pending.take()[1]]
    assert taken == [tombstone(b"a", partition=2)]


def test_an_origin_is_done_with_when_all_that_named_it_has_tombstones() -> None:
    deferred = DeferredTombstones()
    deferred.add(record(1, b"a"), "origin.a.b")
    deferred.add(record(2, b"b", partition=2), "origin.a.b")
    assert not deferred.has_payment("origin.a.b")
    deferred.see(record(3, b"a", None))
    deferred.see(record(4, b"a", None))
    assert "origin.a.b" in deferred
    deferred.see(record(5, b"b", None, partition=2))
    assert "origin.a.b" not in deferred


def test_there_are_not_more_deferred_than_one_sweep_can_hold() -> None:
    deferred = DeferredTombstones(most=2)
    for number, about in enumerate(["tx.1", "tx.2", "tx.1", "tx.3"]):
        deferred.add(record(number, b"%d" % number), about)
    assert deferred.overflow
    assert "tx.3" not in deferred
    (pending,) = deferred.pending()
    assert [tomb.key for tomb in pending.take()[1]] == [b"0", b"1", b"2"]
