# SPDX-License-Identifier: Apache-2.0
"""Every kind of fault is seen, and nothing else; the state comes from a whole generated day."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from stream.brand.directory import load_apps
from stream.demo.day import generate
from stream.engine.audit.verify import Fault, origins_of, settled_at, violations
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.decision import Entity
from stream.engine.model.payment import Payment, Refund
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, ArchivedTotals, Enrolment, Origin, OriginFacts
from stream.engine.model.touches import SEEN_EVENT, Touch
from stream.engine.points.balance import evaluate
from stream.engine.points.offer_blocks import Live, live_offer
from stream.engine.storage.codec import load_entity
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine
from tests.scenarios.story import play
from tests.support import books, events
from tests.support.world import World

BOOK = load_rules(None)
HOUR_MS = 3_600_000


class State:
    """All entities of an engine, each as of when it must be right."""

    def __init__(self, entities: dict[str, Entity], as_of: int) -> None:
        self.entities, self.as_of = entities, as_of
        self.origins = {k: e for k, e in entities.items() if isinstance(e, Origin)}

    def faults(self) -> dict[str, set[Fault]]:
        found: dict[str, set[Fault]] = {}
        for key, entity in self.entities.items():
            for violation in violations(key, entity, self.origins, BOOK, self.as_of):
                found.setdefault(key, set()).add(violation.fault)
        return found

    def a(self, fits: Callable[[str, Entity], bool]) -> str:
        return next(key for key, entity in sorted(self.entities.items()) if fits(key, entity))

    def account(self, key: str) -> Account:
        account = self.entities[key]
        assert isinstance(account, Account)
        return account


@pytest.fixture(scope="module")
def a_day() -> State:
    day = generate(seed=3, consumers=200, events=2_000, day=date(2026, 11, 20))
    engine = LocalEngine(BOOK, load_apps(None), partitions=3, random=Random(3))
    records = list(day.records)
    Random(3).shuffle(records)
    for record in records:
        engine.publish(record.topic, record.key, record.value, record.headers, day.end_ms)
    engine.settle()
    engine.advance(day.end_ms + 24 * HOUR_MS)
    entities = {key: load_entity(key, value) for key, value in engine.entities().items()}
    return State(entities, day.end_ms)


@pytest.fixture
def state(a_day: State) -> State:
    return State(copy.deepcopy(a_day.entities), a_day.as_of)


def offered(key: str, entity: Entity) -> bool:
    last = entity.last_offer if isinstance(entity, Account) else None
    return last is not None and last.live


def member(key: str, entity: Entity) -> bool:
    return isinstance(entity, Account) and any(entity.posted.paid.values())


def refunded(key: str, entity: Entity) -> bool:
    return isinstance(entity, Payment) and entity.fact is not None and bool(entity.refunds)


def of_one_origin(key: str, entity: Entity) -> bool:
    return (
        isinstance(entity, Account)
        and len(origins_of(entity)) == 1
        and "" not in entity.facts_by_origin
    )


def test_a_day_is_clean(state: State) -> None:
    assert state.faults() == {}
    assert sum(offered(key, entity) for key, entity in state.entities.items()) > 10


def test_points_which_no_fact_gives_are_seen(state: State) -> None:
    key = state.a(offered)
    posted = state.account(key).posted
    posted.granted[next(iter(posted.granted))] += 1
    assert state.faults() == {key: {Fault.GRANTED, Fault.BALANCE}}


def test_points_which_expired_too_early_are_seen(state: State) -> None:
    key = state.a(offered)
    state.account(key).posted.expired["purchase@1"] = 1
    assert state.faults() == {key: {Fault.EXPIRED, Fault.BALANCE}}


def test_a_payout_too_low_is_seen(state: State) -> None:
    key = state.a(member)
    paid = state.account(key).posted.paid
    paid[next(m for m, points in paid.items() if points)] -= 1
    assert state.faults() == {key: {Fault.PAID, Fault.BALANCE}}


def test_a_lost_touch_is_seen(state: State) -> None:
    key = state.a(lambda k, e: offered(k, e) and of_one_origin(k, e))
    (origin_facts,) = state.account(key).facts_by_origin.values()
    earning = [marker for marker, touch in origin_facts.touches.items() if touch.points]
    for marker in earning:
        del origin_facts.touches[marker]
    assert state.faults() == {key: {Fault.GRANTED, Fault.BALANCE, Fault.OUTCOMES, Fault.OFFER}}


@pytest.mark.parametrize("points", [+1, -1])
def test_an_offer_of_other_points_is_seen_but_a_rise_may_wait(state: State, points: int) -> None:
    key = state.a(offered)
    account = state.account(key)
    last, view = account.last_offer, evaluate(account, BOOK, state.as_of)
    live = live_offer(key, account, view, BOOK, state.as_of)
    assert last is not None
    assert isinstance(live, Live)
    last.points = live.points + points
    last.announced_at = state.as_of
    seen = {key: {Fault.OFFER}}
    assert state.faults() == (seen if points > 0 else {})
    last.announced_at = 0  # no cool-down is as long as that
    assert state.faults() == seen


def test_an_offer_that_was_never_announced_is_seen(state: State) -> None:
    key = state.a(offered)
    state.account(key).last_offer = None
    assert state.faults() == {key: {Fault.OFFER}}


def test_an_offer_to_a_member_is_seen(state: State) -> None:
    key, other = state.a(member), state.a(offered)
    state.account(key).last_offer = state.account(other).last_offer
    assert state.faults() == {key: {Fault.OFFER}}


def test_an_offer_which_outlives_its_trigger_is_seen(state: State) -> None:
    key = state.a(offered)
    last = state.account(key).last_offer
    assert last is not None
    last.valid_until += 1
    assert state.faults() == {key: {Fault.OFFER}}


def test_facts_of_an_origin_which_is_bound_elsewhere_are_seen(state: State) -> None:
    key = state.a(of_one_origin)
    (origin,) = origins_of(state.account(key))
    other = state.a(lambda k, e: isinstance(e, Account) and k != key)
    state.origins[origin].bound = other
    assert state.faults() == {key: {Fault.FACTS}, origin: {Fault.EVIDENCE}}


def test_facts_of_an_origin_which_is_gone_are_seen(state: State) -> None:
    key = state.a(of_one_origin)
    (origin,) = origins_of(state.account(key))
    del state.origins[origin], state.entities[origin]
    assert state.faults() == {key: {Fault.FACTS}}


def test_facts_of_another_generation_are_seen(state: State) -> None:
    key = state.a(of_one_origin)
    (origin,) = origins_of(state.account(key))
    state.origins[origin].generation += 1
    assert state.faults() == {key: {Fault.GENERATION}}


def test_a_binding_without_evidence_is_seen(state: State) -> None:
    key = state.a(lambda k, e: isinstance(e, Origin) and bool(e.bound))
    state.origins[key].evidence.clear()
    assert state.faults() == {key: {Fault.EVIDENCE}}


def test_a_vetoed_binding_is_seen(state: State) -> None:
    key = state.a(lambda k, e: isinstance(e, Origin) and bool(e.bound))
    state.origins[key].vetoed.append(state.origins[key].bound)
    assert state.faults() == {key: {Fault.EVIDENCE}}


def test_an_account_left_behind_by_a_bound_origin_is_seen(state: State) -> None:
    key = state.a(lambda k, e: isinstance(e, Origin) and bool(e.bound))
    state.origins[key].account = Account(facts_by_origin={key: OriginFacts()})
    assert state.faults() == {key: {Fault.FACTS}}


@pytest.mark.parametrize("amounts", [(-1, 0), (0, -1)])
def test_a_negative_refund_is_seen(state: State, amounts: tuple[int, int]) -> None:
    key = state.a(refunded)
    payment = state.entities[key]
    assert isinstance(payment, Payment)
    payment.refunds = {b"12345678": [Refund("", *amounts)]}
    assert state.faults() == {key: {Fault.REFUND}}


def test_facts_which_wait_in_vain_are_seen(state: State) -> None:
    key = state.a(refunded)
    payment = state.entities[key]
    assert isinstance(payment, Payment)
    payment.waiting = {b"123456": payment.net("cause")}
    assert state.faults() == {key: {Fault.WAITING}}


def test_an_account_must_be_right_now_or_until_just_before_it_was_due() -> None:
    assert settled_at(1_000, None) == (1_000,)
    assert settled_at(1_000, 1_001) == (1_000,)
    assert settled_at(1_000, 1_000) == (999, 1_000)
    assert settled_at(1_000, 400) == (399, 1_000)


def test_closed_totals_and_enrolments_count(state: State) -> None:
    key = state.a(lambda k, e: offered(k, e) and of_one_origin(k, e))
    (origin_facts,) = state.account(key).facts_by_origin.values()
    origin_facts.archived = ArchivedTotals(granted={"purchase@1": 5}, lots={"purchase@1": {0: 5}})
    assert state.faults()[key] >= {Fault.GRANTED, Fault.BALANCE}
    origin_facts.archived = None
    origin_facts.enrolments[b"12345678"] = Enrolment(0, "m")
    assert state.faults()[key] >= {Fault.GRANTED, Fault.OFFER}
    origin_facts.enrolments.clear()
    origin_facts.touches[b"12345678"] = Touch(state.as_of, 1, seen=SEEN_EVENT)
    assert state.faults()[key] == {Fault.OUTCOMES}


def test_origins_are_asked_for_of_profiles_only(state: State) -> None:
    asked: Mapping[str, list[str]] = {k: origins_of(e) for k, e in state.entities.items()}
    assert {k.partition(".")[0] for k, origins in asked.items() if origins} == {"union"}


STORIES = {
    "unbound by request, with its points": """
        given 2026-03-01 08:00  Mei@mp pays 40.00 for t1
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-03 08:00  Mei@mp is not Mei
    """,
    "bound anew after that": """
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-03 08:00  Mei@mp is not Mei
        given 2026-03-04 08:00  Mei@mp logs in as Li
        given 2026-03-05 08:00  Mei@mp pays 40.00 for t1
    """,
    "earlier evidence arrives for another, and for a third": """
        given 2026-03-03 08:00  Mei@mp logs in as Mei
        given 2026-03-03 09:00  Mei@mp pays 40.00 for t1
        given 2026-03-02 08:00  Mei@mp logs in as Li    [arrives 2026-03-04 08:00]
        given 2026-03-01 08:00  Mei@mp logs in as Wang  [arrives 2026-03-05 08:00]
        given 2026-03-06 08:00  Mei@mp is not Wang
        given 2026-03-07 08:00  Mei@mp is not Li
    """,
    "a member is unbound": """
        given 2026-03-01 08:00  Mei@mp pays 40.00 for t1
        given 2026-03-02 08:00  Mei@mp logs in as Mei
        given 2026-03-03 08:00  Mei enrols as M1
        given 2026-03-04 08:00  Mei@mp is not Mei
        given 2026-03-05 08:00  t1 is refunded 10.00 by r1
    """,
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_bindings_which_change_are_clean(story: str) -> None:
    world = play(story)
    entities = {key: load_entity(key, value) for key, value in world.entities.items()}
    origins = {key: e for key, e in entities.items() if isinstance(e, Origin)}
    for key, entity in entities.items():
        (as_of,) = settled_at(world.clock, world.due.get(key))
        assert list(violations(key, entity, origins, world.book, as_of)) == []


def test_by_other_rules_it_names_rule_and_version_and_both_sums(state: State) -> None:
    last = BOOK.versions[-1]
    other = replace(last, version=3, effective_ms=last.effective_ms + DAY_MS)
    book = RuleBook((*BOOK.versions, other))
    key = state.a(offered)
    origins = {name: state.origins[name] for name in origins_of(state.entities[key])}

    found = violations(key, state.entities[key], origins, book, state.as_of)

    granted = next(violation for violation in found if violation.fault is Fault.GRANTED)
    posted = state.account(key).posted.granted
    assert granted.found == granted.expected == sum(posted.values())
    assert {(n, f, e) for n, f, e in granted.parts if f} == {(n, p, 0) for n, p in posted.items()}
    assert {(n, f, e) for n, f, e in granted.parts if e} == {
        (n.replace("@2", "@3"), 0, p) for n, p in posted.items()
    }


@pytest.mark.parametrize("seed", [0, 33, 36, 50, 55])
def test_facts_which_an_erasure_sent_home_may_follow_the_next_binding(seed: int) -> None:
    """Whoever asked to be forgotten agrees and logs in anew before all have heard of it."""
    world = World(books.BOOK, books.DIRECTORY, Random(seed))
    at = world.clock = books.START + books.DAY
    world.publish(events.login(at, "oMei-1", "uMei"), at)
    world.settle()
    at = world.clock = at + books.DAY
    asked = {"consumer_id": "union.brand.uMei"}
    for event in (
        events.event("erase.requested.v1", at - 2, asked),
        events.consent(at - 1, "granted", {"appid": "wxmp", "openid": "oMei-1"}),
        events.login(at, "oMei-1", "uMei"),
    ):
        world.publish(event, at)
        for _ in range(world.random.randrange(3)):
            world.step()
    world.settle()

    assert world.binds() == {"origin.wxmp.oMei-1": "union.brand.uMei"}
    assert world.balances() == {"union.brand.uMei": 20}
    assert world.violations() == []
