# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.classes import ClassPolicy
from stream.engine.model.facts import Fact
from stream.engine.model.messages import FactReceived
from stream.engine.model.nudges import NudgePolicy
from stream.engine.model.ruleset import (
    Campaign,
    Caps,
    ConsentMode,
    EarningRule,
    InvitationPolicy,
    Invited,
    OfferBlock,
    Rate,
    RuleBook,
    RuleSet,
)
from stream.engine.model.state import Account, Sums
from stream.engine.model.touches import SEEN_EVENT, Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.account_messages import arrive
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.incremental import add, sums_of
from tests.engine.build import MEI, ORIGIN, cause, enrolment, login, purchase
from tests.support.books import CLASSES, DAY, FIRST, GOALS, NUDGES, POLICY, SECOND_POLICY, START

LOGIN = frozenset({Touchpoint.LOGIN})
OFFERS = OfferBlock("one", 20, LOGIN, 9 * DAY_MS, 0, {"en": "{points}"}, {}, silent_days=2)
INVITATION = InvitationPolicy(Invited.EVERYBODY, LOGIN, DAY_MS, DAY_MS, {}, {})
JUDGED = [rule for rule in CLASSES.versions[0].rules.values() if rule.who or rule.by_tier]
RULES = (
    EarningRule("spend", Touchpoint.PURCHASE, rate=Rate(Fraction(1)), caps=Caps(15, 40, 60)),
    EarningRule("first", Touchpoint.PURCHASE, 7, first_time=True),
    EarningRule("visit", Touchpoint.LOGIN, 3, caps=Caps(day=5)),
    EarningRule("hello", Touchpoint.LOGIN, 2),
    *(rule for name, rule in GOALS.versions[0].rules.items() if name not in FIRST.rules),
)


#: What it adds is counted by itself: neither its rule nor another of its rules has caps.
MORE = Campaign(
    "more", 0, None, Fraction(5, 2), frozenset({"hello"}), caps=Caps(5, 7, 12, lifetime=20)
)


def book_of(
    consent: ConsentMode,
    expiry_days: int | None,
    versions: int,
    pending_days: int = 0,
    policies: tuple[ClassPolicy | None, ...] = (None, None),
    campaigns: tuple[Campaign, ...] = (),
    nudges: NudgePolicy | None = None,
) -> RuleBook:
    pending_days = min(pending_days, (expiry_days or 9) - 1)
    return RuleBook(
        tuple(
            RuleSet(
                version=n + 1,
                effective_ms=START + (n * 20 - 1) * DAY,
                rules={
                    rule.id: replace(rule, pending_days=pending_days)
                    for rule in (*RULES[n:], *(JUDGED if policies[n] else ()))
                },
                expiry_days=expiry_days,
                consent=consent,
                offers=(OFFERS,),
                invitation=INVITATION,
                classes=policies[n],
                campaigns=campaigns,
                nudges=nudges,
            )
            for n in range(versions)
        )
    )


books = st.builds(
    book_of,
    st.sampled_from(ConsentMode),
    st.none() | st.integers(1, 9),
    st.integers(1, 2),
    st.integers(0, 3),
    st.tuples(*2 * [st.sampled_from([None, POLICY, SECOND_POLICY])]),
    st.sampled_from([(), (MORE,)]),
    st.sampled_from([None, NudgePolicy(NUDGES)]),
)
at = st.integers(0, 4 * 24).map(lambda hours: START + hours * DAY // 4)
number = st.integers(0, 9).map(str)
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(login, at, number),
    st.builds(login, at, number),
    st.builds(purchase, number, st.sampled_from([0, 250, 1_000, 2_000]), at),
    st.builds(Fact, number, st.just("consent.granted.v1"), number, at),
    st.builds(enrolment, st.just("M1"), at),
)
#: A fact, of which origin, and how long after it happened it came.
arrivals = st.tuples(
    facts, st.sampled_from(["", ORIGIN]), st.sampled_from([-1, 0, 0, 0, 0, DAY, 30 * DAY])
)


@given(books, st.lists(arrivals, max_size=30))
def test_adding_is_as_counting_anew(book: RuleBook, arrivals: list[tuple[Fact, str, int]]) -> None:
    account, now, accrued = Account(), 0, 0
    for fact, origin, lag in sorted(arrivals, key=lambda a: (a[0].time + a[2], a[0].key)):
        now = max(now, fact.time + lag)
        decision = arrive(account, FactReceived(fact, origin), book, cause(now))
        anew = evaluate(account, book, now)
        sums = account.sums
        if decision.changed:
            assert sums is not None
            assert sums == of_counted(sums_of(anew, book, now), sums)
            assert account.posted.granted == {n: p for n, p in anew.granted.items() if p}
            assert account.posted.expired == {n: p for n, p in anew.expired.items() if p}
            assert account.posted.outcomes == anew.outcomes
        accrued += sum(o.data["points"] for o in decision.outputs if "balance" in o.data)  # type: ignore[union-attr]
        assert accrued == account.posted.balance


def of_counted(anew: Sums, known: Sums) -> Sums:
    """What is beyond the horizon may be known still; nothing comes of it.

    Nor of it that classes may stay for longer than is known, or that less is in their windows.
    """
    for rule, newest in known.newest.items():
        anew.newest.setdefault(rule, newest)
    if known.stale_at and anew.stale_at:  # it may be counted anew sooner than it must
        anew.stale_at = min(anew.stale_at, known.stale_at)
    if anew.standing is not None and known.standing is not None:
        assert known.standing.spent >= anew.standing.spent
        assert known.standing.leaves <= anew.standing.leaves
        assert known.stale_at <= anew.stale_at or not anew.stale_at
        for name in ("spent", "number", "fen", "leaves"):
            setattr(anew.standing, name, getattr(known.standing, name))
        anew.stale_at = known.stale_at
    return anew


#: No month ends at a horizon on the days after it.
T = START + 5 * DAY


def added(touch: Touch, now: int = T, **change: int) -> bool:
    """Whether it can be added to the sums of an account with one visit at ``T``."""
    book = book_of(ConsentMode.OPT_OUT, 9, 2)
    account = Account()
    arrive(account, FactReceived(login(T), MEI), book, cause(T))
    assert account.sums is not None
    for name, value in change.items():
        setattr(account.sums, name, value)
    before = copy.deepcopy(account)
    result = add(account, touch, book, now)
    assert result is not None or account == before
    return result is not None


def visit(time: int = T, **more: int | bool) -> Touch:
    touch = Touch(time, Touchpoint.LOGIN, [("visit", 3)], seen=SEEN_EVENT)
    for name, value in more.items():
        setattr(touch, name, value)
    return touch


def test_a_touch_more_is_added() -> None:
    assert added(visit())
    assert added(visit(T + DAY), T + DAY)


@pytest.mark.parametrize(
    "anew",
    [
        added(visit(T - DAY)),  # of a day before the rule's latest
        added(visit(T + 1)),  # ahead of the clock
        added(visit(rank=1)),
        added(visit(seen=0)),
        added(visit(void=True)),
        added(visit(T + DAY), T + 11 * DAY),  # some points expired
        added(visit(T + 19 * DAY), T + 19 * DAY),  # other offers are in force
        added(visit(), book=1),  # judged by other rules
        added(visit(), version=0),
    ],
)
def test_whatever_changes_more_is_counted_anew(anew: bool) -> None:
    assert not anew


def test_sums_without_rules() -> None:
    assert sums_of(AccountView(), RuleBook(()), START) == Sums(0, 0, 0, 0, {}, {}, {}, {})
