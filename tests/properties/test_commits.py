# SPDX-License-Identifier: Apache-2.0
"""P4 and P5, checked after every single step; closing and replaying change nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas import Event
from stream.engine.model.decision import Channel
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Origin
from stream.engine.points.balance import evaluate
from stream.engine.points.offer_blocks import Live, live_offer
from stream.engine.storage.codec import load_entity
from tests.properties.test_order import END, arrivals
from tests.support.books import ACCOUNTS, BOOK, DIRECTORY, FIRST, HOUR
from tests.support.events import histories
from tests.support.model import Model
from tests.support.world import World

pytestmark = pytest.mark.fuzz

many = settings(max_examples=200)


def account_of(world: World, key: str) -> Account | None:
    value = world.entities.get(key)
    entity = load_entity(key, value) if value is not None else None
    if isinstance(entity, Origin):
        return entity.account
    return entity if isinstance(entity, Account) else None


@many
@given(events=histories(), seed=st.integers(0, 2**32))
def test_points_are_conserved_at_every_commit(events: list[Event], seed: int) -> None:
    random = Random(seed)
    world = World(BOOK, DIRECTORY, random)
    seen, per_consumer, moved, by_kind = 0, Counter[str](), Counter[str](), Counter[str]()

    def check(key: str) -> None:
        nonlocal seen
        for entry in world.published[seen:]:
            if entry.channel is Channel.LEDGER:
                per_consumer[entry.key] += entry.data["points"]
                by_kind[entry.data["kind"]] += entry.data["points"]
                assert entry.data["balance"] == per_consumer[entry.key]
        seen = len(world.published)
        account = account_of(world, key)
        assert per_consumer[key] == (account.posted.balance if account else 0)
        moved["on the way"] = -by_kind["transfer_out"] - by_kind["transfer_in"]
        real = sum(n for kind, n in by_kind.items() if not kind.startswith("transfer"))
        balances = sum(a.posted.balance for a in world.accounts().values())
        assert real == balances + moved["on the way"]

    world.on_commit = check
    world.run(arrivals(events, random), until=END)
    assert moved["on the way"] == 0


@many
@given(events=histories(), seed=st.integers(0, 2**32))
def test_the_offer_is_the_payout_at_every_commit(events: list[Event], seed: int) -> None:
    random = Random(seed)
    world = World(BOOK, DIRECTORY, random)

    def check(key: str) -> None:
        account = account_of(world, key)
        if account is None or account.last_offer is None or not account.last_offer.live:
            return
        result = evaluate(account, world.book, world.clock)
        if world.due.get(key, END) > world.clock:  # no tick is on its way to it
            offer = live_offer(key, account, result, world.book, world.clock)
            assert isinstance(offer, Live)
            assert account.last_offer.points == result.payable == offer.points
            assert account.last_offer.valid_until <= offer.valid_until

    world.on_commit = check
    world.run(arrivals(events, random), until=END)


@many
@given(events=histories(), seed=st.integers(0, 2**32))
def test_a_cool_down_delays_good_news_only(events: list[Event], seed: int) -> None:
    offers = (replace(FIRST.offers[0], cooldown_ms=30 * HOUR),)
    book = RuleBook(tuple(replace(version, offers=offers) for version in BOOK.versions))
    random = Random(seed)
    world = World(book, DIRECTORY, random)

    def check(key: str) -> None:
        account = account_of(world, key)
        if account is not None and account.last_offer is not None and account.last_offer.live:
            payable = evaluate(account, book, world.clock).payable
            waiting = world.due.get(key)
            assert account.last_offer.points <= payable or (waiting or END) <= world.clock

    world.on_commit = check
    world.run(arrivals(events, random), until=END)
    world.advance(world.clock + 30 * HOUR)
    assert world.announced() == world.live()


@many
@given(events=histories(), seed=st.integers(0, 2**32))
def test_closing_old_touches_changes_no_figure(events: list[Event], seed: int) -> None:
    """Everything closes once it is out of reach; what could expire has, nothing else moves."""
    book = RuleBook(tuple(replace(version, expiry_days=None) for version in BOOK.versions))
    random = Random(seed)
    world = World(book, DIRECTORY, random)
    world.run(arrivals(events, random), until=END)
    balances, payouts, counts = world.balances(), world.payouts(), +world.counts
    for days in (-15, -10, -5, 31):  # a month folds as a whole: its caps count all of it
        world.advance(END + (book.reach_days + days) * 24 * HOUR)
        for key in world.accounts():
            world.due[key] = world.clock
        world.advance(world.clock)
        assert world.balances() == balances
    for account in world.accounts().values():
        assert all(not origin_facts.touches for origin_facts in account.facts_by_origin.values())
    assert world.payouts() == payouts
    unpaid = {k: n for k, n in counts.items() if k not in ("parked", "refused")}
    assert {k: n for k, n in (+world.counts).items() if k in unpaid} == unpaid


@many
@given(events=histories(), seed=st.integers(0, 2**32))
def test_an_origin_leaves_with_exactly_its_own_points(events: list[Event], seed: int) -> None:
    """A second, earlier bind moves an origin away: both sides are as if it had always been so."""
    assume(not Model(BOOK, ACCOUNTS).is_left_to_chance(events))
    random = Random(seed)
    whole = World(BOOK, DIRECTORY, random)
    whole.run([(event, END) for event in events], until=END)
    early = World(BOOK, DIRECTORY, Random(seed + 1), stale=False)
    early.run([(event, END) for event in reversed(events)], until=END)
    assert whole.balances() == early.balances()
    assert whole.payouts() == early.payouts()
