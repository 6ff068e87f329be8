# SPDX-License-Identifier: Apache-2.0
"""The sweep on logs and tables in memory; what Kafka's compaction leaves is what counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest

from schemas import Reason, decode
from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.engine.audit.verify import Violation
from stream.engine.model.ruleset import RuleBook
from stream.kafka.dead_letters import Stage, dead_letter
from stream.lookup.reward_progress import RewardProgress, WorkersBehind
from stream.lookup.verifier import Verifier
from stream.privacy.sweep import SweepResult
from stream.rules.loader import load_rules
from stream.tables import Record
from tests.support.erasable import RESOLVED, ErasableEngine
from tests.support.erasing import (
    BY_ORIGIN,
    BY_UNION,
    LI,
    MEI,
    NAMES,
    PAYMENTS,
    UNION,
    Event,
    comes_back,
    dead,
    her_day,
    others,
    taken_for,
    transaction,
    unbind,
)
from tests.support.erasing import erase as erase_at
from tests.support.snapshot import Snapshot, snapshot
from tests.worker.events import (
    DAY_MS,
    MINI_PROGRAM,
    consent,
    follow,
    openid,
    payment,
    shopper,
    unionid,
)

pytestmark = pytest.mark.slow

NOW = 1_780_000_000_000
BOOK = load_rules(None)
HERS = (*NAMES, PAYMENTS)


def day() -> list[Event]:
    return [*her_day(NOW), *others(NOW), *dead(NOW)]


def erase(who: dict[str, str]) -> Event:
    return erase_at(who, NOW)


def engine(events: Sequence[Event] = (), book: RuleBook = BOOK) -> ErasableEngine:
    made = ErasableEngine(book, load_apps(None), partitions=4)
    publish(made, events)
    return made


def publish(on: ErasableEngine, events: Sequence[Event]) -> None:
    for topic, value in events:
        on.publish(topic, None, value, (), NOW)
    on.settle()


def swept(on: ErasableEngine, *, dry_run: bool = False) -> SweepResult:
    return asyncio.run(on.sweep(dry_run=dry_run))


def state(on: ErasableEngine) -> Snapshot:
    return snapshot(on.entities(), BOOK, on.clock_ms)


def faults(on: ErasableEngine) -> list[Violation]:
    verifier = Verifier(on.tables, on.partitions, patience_s=0)
    return asyncio.run(verifier.run()).violations


def marks(on: ErasableEngine) -> set[str]:
    return {key for key in on.entities() if key.startswith("erased.")}


@pytest.mark.parametrize("who", [BY_ORIGIN, BY_UNION, {"consumer_id": UNION}], ids=list)
def test_nothing_of_her_is_left_and_the_others_are_as_before(who: dict[str, str]) -> None:
    on, without = engine(day()), engine(others(NOW))
    assert len(on.dead_letters) == 3
    publish(on, [erase(who)])

    done = swept(on)
    assert done.orders == 20  # her payments
    assert all(done.tombstones[topic] for topic in (RESOLVED, "shadow.ledger", "shadow.offers"))
    assert done.tombstones["shadow.dead-letters"] == 2
    on.compact()

    assert on.mentions(*HERS) == []
    assert len(marks(on)) == 3  # of her profile and both origins
    rest = {key: value for key, value in on.entities().items() if key not in marks(on)}
    assert rest.keys() == without.entities().keys()
    assert state(on) == state(without)
    assert len(state(on).live) == 2
    assert faults(on) == []
    assert [r.value for r in on.records("shadow.dead-letters", 0)] == [b'{"broken": "about nobody"']


def test_a_payment_in_dispute_goes_with_anybody_who_is_said_to_have_made_it() -> None:
    """It remembers but one of them, and what was said of it names the payment, and nobody."""
    people, stranger = range(2, 7), 7
    disputed = [claimed(openid(person), f"r{person}", NOW - DAY_MS) for person in people]
    others_payment = claimed(openid(stranger), "other", NOW - DAY_MS, transaction(stranger, 1))
    for who in people:
        on = engine([*disputed, others_payment])
        assert identity(on) == [("payment.disputed.v1", f"tx.{DISPUTED}")]
        publish(on, [erase({"appid": MINI_PROGRAM, "openid": openid(who)})])

        for _ in range(2):  # the second takes what the first one sent the payment
            swept(on)
        on.compact()

        assert identity(on) == []
        keys = {key for key in on.entities() if key.startswith("tx.")}
        assert keys == {f"tx.{transaction(stranger, 1)}"}
        before = state(on)
        on.lose_tables()
        on.settle()
        assert (state(on), faults(on)) == (before, [])
        assert sum(swept(on).tombstones.values()) == 0


DISPUTED = transaction(MEI, 77)


def claimed(payer: str, id_: str, time_ms: int, transaction_id: str = DISPUTED) -> Event:
    """Somebody is said to have made a payment."""
    topic, value = payment(LI, 1, time_ms)
    event = orjson.loads(value)
    event["id"], event["data"]["payer"]["openid"] = id_, payer
    event["data"]["transaction_id"] = transaction_id
    return topic, orjson.dumps(event)


def identity(on: ErasableEngine) -> list[tuple[str, str]]:
    records = [r for p in range(4) for r in on.records("shadow.identity", p) if r.value]
    attributes = [dict(record.headers) for record in records]
    return [(a["ce_type"].decode(), a["ce_subject"].decode()) for a in attributes]


def test_tombstones_are_events_which_name_what_to_forget_and_nobody() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    swept(on)

    for topic in ("shadow.offers", "shadow.ledger", "shadow.identity"):
        log = [record for p in range(on.partitions) for record in on.records(topic, p)]
        said = {record.key for record in log if record.value is not None}
        tombstones = [record for record in log if record.value is None]
        assert tombstones
        for record in tombstones:
            headers = dict(record.headers)
            event = decode(record.value, record.headers, topic)
            assert (event.type, event.source) == ("record.erased.v1", "urn:shadowpoints:local")
            assert event.time_ms == NOW  # of the erasure, which does not change
            assert headers["ce_subject"] == record.key
            assert record.key in said
            assert event.id.encode() not in said
        assert len({dict(r.headers)["ce_id"] for r in tombstones}) == len(tombstones)


def test_a_tombstone_with_anybodys_key_is_left_alone() -> None:
    """A record of somebody else's: its key may name her, and so does its tombstone."""
    on = engine([*day(), erase(BY_ORIGIN)])
    hers = UNION.encode()
    asyncio.run(on._append([Record("shadow.offers", hers, hers, (), 0)]))
    swept(on)
    assert on.records("shadow.offers", 0)[-1].key == hers
    assert on.records("shadow.offers", 0)[-1].value is None
    assert swept(on).tombstones.total() == 0


def test_a_webhook_that_was_given_up_after_an_erasure_goes_though_she_is_back() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    offers = [r for p in range(4) for r in on.records("shadow.offers", p)]
    for topic, value in comes_back(NOW + DAY_MS):
        on.publish(topic, None, value, (), NOW + DAY_MS)
    on.settle()
    letters = [
        dead_letter(
            TopicNames(),
            topic=offer.topic,
            partition=offer.partition,
            record=offer,
            stage=Stage.WEBHOOK,
            reason=Reason.WEBHOOK_FAILED,
            message="",
            partitions=4,
        )
        for offer in offers
    ]
    asyncio.run(on._append(letters))
    swept(on)
    on.compact()
    left = {r.key for p in range(4) for r in on.records("shadow.dead-letters", p)}
    hers = {
        letter.key for letter in letters if dict(letter.headers)["ce_subject"] == UNION.encode()
    }
    assert len(hers) == 2
    assert left & {letter.key for letter in letters} == {r.key for r in letters} - hers


def test_a_trial_changes_nothing_and_counts() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    published, entities = on.published, on.entities()
    trial = swept(on, dry_run=True)
    assert (on.published, on.entities()) == (published, entities)
    done = swept(on)
    assert trial.orders == done.orders
    for topic in ("shadow.ledger", "shadow.offers", "shadow.identity", "shadow.dead-letters"):
        assert trial.tombstones[topic] == done.tombstones[topic]


def test_a_second_sweep_finds_nothing_before_and_after_compaction() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    swept(on)
    published = on.published
    for _ in range(2):
        again = swept(on)
        assert (again.orders, again.again, sum(again.tombstones.values())) == (0, 0, 0)
        assert on.published == published
        on.compact()


class Killed(Exception):
    pass


def kill_at(on: ErasableEngine, publications: int) -> None:
    left = publications

    def kill() -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1

    on.on_publish = kill


@pytest.mark.parametrize("compacted", [False, True])
def test_a_sweep_may_be_killed_at_any_point(compacted: bool) -> None:
    whole = engine([*day(), erase(BY_ORIGIN)])
    publications = 0

    def count() -> None:
        nonlocal publications
        publications += 1

    whole.on_publish = count
    swept(whole)
    assert publications > 10

    for after in range(publications):
        on = engine([*day(), erase(BY_ORIGIN)])
        kill_at(on, after)
        with pytest.raises(Killed):
            swept(on)
        on.on_publish = lambda: None
        if compacted:
            on.compact()
        swept(on)
        on.compact()
        assert on.mentions(*HERS) == [], after


def test_the_log_without_her_gives_the_others_again() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    swept(on)
    on.compact()
    before = on.entities()
    on.lose_tables()
    on.settle()
    assert on.entities() == before
    on.compact()
    assert on.mentions(*HERS) == []


def test_what_is_sent_again_of_her_does_not_come_back() -> None:
    on = engine(day())
    publish(on, [erase(BY_ORIGIN)])
    swept(on)
    on.compact()
    before = state(on)
    publish(on, day())
    for _ in range(2):  # the second takes what the first one sent the payments
        swept(on)
    on.compact()
    assert state(on) == before
    assert on.mentions(*HERS) == []


def test_her_new_beginning_stays() -> None:
    on = engine([*day(), erase(BY_ORIGIN)])
    swept(on)
    on.clock_ms = NOW + DAY_MS
    for topic, value in comes_back(NOW + 1000):
        on.publish(topic, None, value, (), NOW + DAY_MS)
    on.settle()
    balances = state(on).balances
    assert balances[UNION] > 0

    swept(on)
    on.compact()
    assert state(on).balances == balances
    assert faults(on) == []
    old = [transaction(MEI, n) for n in range(20)]
    assert on.mentions(*old, f"m-{MEI}") == []
    ledger = [r for p in range(4) for r in on.records("shadow.ledger", p)]
    entries = [orjson.loads(r.value or b"") for r in ledger]
    hers = [entry for entry in entries if entry["consumer_id"] == UNION]
    assert sum(entry["points"] for entry in hers) == balances[UNION]

    before = on.entities()
    on.lose_tables()
    on.settle()
    assert on.entities() == before


def taken_for_her() -> ErasableEngine:
    """Li's origin was bound to Mei, by a wrong login, and was unbound since."""
    on = engine(shopper(MEI, NOW))
    publish(on, [consent(LI, NOW - 20 * DAY_MS), taken_for(LI, MEI, 0, NOW - 19 * DAY_MS)])
    publish(on, [payment(LI, n, NOW - (10 - n) * DAY_MS) for n in range(5)])
    publish(on, [unbind(LI, MEI, NOW - 1000)])
    publish(on, [taken_for(LI, LI, 1, NOW - 500), payment(LI, 9, NOW - 400)])
    publish(on, [erase(BY_UNION)])
    return on


LIS = {f"union.abc-brand.{unionid(LI)}": 6 * 200 + 200 + 10}  # payments, the first one, logins


def test_one_who_was_taken_for_her_keeps_what_is_theirs() -> None:
    on = taken_for_her()
    before = state(on)
    assert before.balances == LIS

    done = swept(on)
    assert done.again == 1 + 5 + 1 + 3  # a login, payments, a consent; to her, from her, home
    on.compact()
    assert on.mentions(*HERS) == []
    assert (state(on), faults(on)) == (before, [])
    assert swept(on).tombstones.total() == 0

    on.lose_tables()
    on.settle()
    assert (state(on), faults(on)) == (before, [])
    publish(on, [payment(LI, 10, NOW), unbind(LI, LI, NOW)])
    assert faults(on) == []
    assert list(state(on).balances.values()) == [LIS[next(iter(LIS))] + 200]


def test_nor_do_they_lose_anything_when_a_sweep_is_killed() -> None:
    for after in range(40):
        on = taken_for_her()
        kill_at(on, after)
        try:
            swept(on)
        except Killed:
            on.on_publish = lambda: None
        else:
            break
        on.settle()
        on.compact()
        swept(on)
        on.compact()
        assert on.mentions(*HERS) == [], after
        on.lose_tables()
        on.settle()
        assert (state(on).balances, faults(on)) == (LIS, []), after
    assert after > 10


def test_one_who_went_on_from_her_to_somebody_else_keeps_what_is_theirs() -> None:
    """Better evidence took the origin from Mei to Li, so that it was never its own again."""
    on = engine(shopper(MEI, NOW))
    publish(on, [consent(LI, NOW - 20 * DAY_MS), taken_for(LI, MEI, 0, NOW - 10 * DAY_MS)])
    publish(on, [payment(LI, n, NOW - (9 - n) * DAY_MS) for n in range(5)])
    publish(on, [taken_for(LI, LI, 1, NOW - 19 * DAY_MS), payment(LI, 9, NOW - 400)])
    publish(on, [erase(BY_UNION)])
    before = state(on)
    assert before.balances == {f"union.abc-brand.{unionid(LI)}": 6 * 200 + 200 + 10}

    swept(on)
    on.compact()
    assert on.mentions(*HERS) == []
    assert faults(on) == []

    on.lose_tables()
    on.settle()
    assert (state(on), faults(on)) == (before, [])


def test_a_stranger_of_whom_nothing_is_known_can_be_erased() -> None:
    on = engine([*shopper(LI, NOW), erase(BY_UNION)])
    assert len(marks(on)) == 1
    swept(on)
    on.compact()
    assert on.mentions(*HERS) == []


def test_idle_accounts_are_swept_too() -> None:
    on = engine([follow(MEI, NOW - 1000)], replace(BOOK, idle_days=400))
    on.advance(NOW + 401 * DAY_MS)
    assert [key for key in on.entities() if not key.startswith("erased.")] == []
    assert on.mentions(*HERS)
    swept(on)
    on.compact()
    assert on.mentions(*HERS) == []


def test_where_no_worker_runs_there_is_a_sentence() -> None:
    on = engine(day())
    on.publish(*erase(BY_ORIGIN), (), NOW)  # type: ignore[arg-type]

    async def wait(seconds: float) -> None:
        on.clock_ms += 1

    workers = RewardProgress(on.tables, on, RESOLVED, patience_s=1.0, sleep=wait)
    asyncio.run(workers.settled())
    drop = on.resolved[0]
    drop.append(drop[-1])
    with pytest.raises(WorkersBehind, match=r"1 records behind .* in 1 partitions"):
        asyncio.run(workers.settled())
