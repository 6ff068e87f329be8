# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import copy
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.birthday import Birthday
from stream.engine.model.calendar import day_of, first_day_of
from stream.engine.model.ruleset import Measure, RuleBook
from stream.engine.model.state import (
    Account,
    ArchivedTotals,
    Enrolment,
    OriginFacts,
    StatedBirthday,
)
from stream.engine.model.touches import SEEN_EVENT, Touch, Touches, share
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.archive import archive, boundary, is_beyond, merge_archived
from stream.engine.points.balance import evaluate
from tests.engine.build import ORIGIN, archived
from tests.support.books import BOOK, CLASSES, DAY, FIRST, GOALS, START

PURCHASE, VISIT = Touchpoint.PURCHASE, Touchpoint.CHECK_IN
MARCH = 2026 * 12 + 2
#: As it would be if nothing were kept longer than duplicates of most events are known.
KEPT = replace(BOOK, retention_days=35)
LONG_AFTER = START + 90 * DAY


def test_whole_months_close_when_all_of_them_is_out_of_reach() -> None:
    as_of = START + 66 * DAY  # 2026-05-06: 35 days before is 2026-04-01
    assert boundary(KEPT, as_of - DAY) == first_day_of(MARCH)
    assert boundary(KEPT, as_of) == first_day_of(MARCH + 1)


def test_the_horizons_say_nothing_about_what_is_kept() -> None:
    shorter = replace(KEPT, horizon_days=1, payment_horizon_days=1)
    assert boundary(shorter, LONG_AFTER) == boundary(KEPT, LONG_AFTER)


def test_nothing_closes_whose_points_still_live() -> None:
    living = RuleBook((replace(FIRST, expiry_days=400),), retention_days=35)
    assert boundary(living, START + 431 * DAY) == first_day_of(MARCH)
    assert boundary(living, START + 432 * DAY) == first_day_of(MARCH + 1)


def test_the_first_open_day_is_whole() -> None:
    today = day_of(START)
    assert is_beyond(today, START - 1)
    assert not is_beyond(today, START)


def merged(*totals: ArchivedTotals) -> ArchivedTotals | None:
    """Their sum, without lots that hold nothing."""
    result: ArchivedTotals | None = None
    for one in totals:
        result = merge_archived(result, copy.deepcopy(one))
    if result is not None:
        result.lots = {name: lots for name, lots in result.lots.items() if lots}
    return result


@given(archived, archived)
def test_merging_is_commutative(a: ArchivedTotals, b: ArchivedTotals) -> None:
    assert merged(a, b) == merged(b, a)


@given(archived, archived, archived)
def test_merging_is_associative(a: ArchivedTotals, b: ArchivedTotals, c: ArchivedTotals) -> None:
    some = merged(b, c)
    assert some is not None
    assert merged(a, b, c) == merged(a, some)


@given(st.none() | archived)
def test_merging_with_nothing_changes_nothing(a: ArchivedTotals | None) -> None:
    before = copy.deepcopy(a)
    assert merge_archived(a, None) == before
    assert merge_archived(None, a) == before


def visits(*days: int) -> Touches:
    return Touches.of(
        {
            bytes([day]): Touch(START + day * DAY, VISIT, [("visit", 10)], 0, SEEN_EVENT)
            for day in days
        }
    )


def test_closing_keeps_the_figures_and_drops_the_touches() -> None:
    account = Account({ORIGIN: OriginFacts(visits(0, 1, 2)), "": OriginFacts(visits(3, 85))})
    before = evaluate(account, KEPT, LONG_AFTER)
    archive(account, before, KEPT, LONG_AFTER)
    after = evaluate(account, KEPT, LONG_AFTER)
    assert (after.granted, after.expired) == (before.granted, before.expired)
    assert (after.touches, after.outcomes) == (before.touches, before.outcomes)
    assert [len(s.touches) for s in account.facts_by_origin.values()] == [0, 1]
    assert account.archived_before == boundary(KEPT, LONG_AFTER)


MEASURES = [m for rule in GOALS.versions[0].rules.values() for m in rule.measures]
counted = st.tuples(st.integers(0, 99), st.sampled_from(MEASURES), st.sampled_from([ORIGIN, ""]))


@given(st.lists(counted, min_size=5, max_size=60), st.integers(40, 99))
def test_rules_with_a_memory_go_on_over_what_is_closed(
    met: list[tuple[int, Measure, str]], closed: int
) -> None:
    """What happened up to some day is closed in part, and the rest is added after that."""
    book = replace(GOALS, retention_days=35)
    kept = {ORIGIN: OriginFacts(), "": OriginFacts()}
    account = Account(copy.deepcopy(kept))
    for number, (day, measure, origin) in enumerate(sorted(met, key=lambda m: m[0])):
        touch = Touch(START + day * DAY + number, measure.touchpoint, [(measure.name, 1)], 0, 1)
        if day > closed and not account.archived_before:
            archive(account, evaluate(account, book, START + 99 * DAY), book, START + 99 * DAY)
        for facts in (kept, account.facts_by_origin):
            facts[origin].touches.add(bytes([number]), touch)
    whole = evaluate(Account(kept), book, START + 100 * DAY)
    assert evaluate(account, book, START + 100 * DAY).granted == whole.granted


met = st.tuples(st.integers(0, 99), st.sampled_from([ORIGIN, ""]), st.sampled_from([100, 2_000]))


#: On the 99th day what was before the 62nd is closed: nothing more is added there.
@given(st.lists(met, max_size=12), st.integers(61, 99), st.integers(0, 3))
def test_classes_and_what_they_granted_go_on_over_what_is_closed(
    met: list[tuple[int, str, int]], closed: int, later: int
) -> None:
    book = RuleBook(CLASSES.versions[:1], retention_days=35)
    kept = {ORIGIN: OriginFacts(), "": OriginFacts()}
    account = Account(copy.deepcopy(kept))
    for number, (day, origin, fen) in enumerate(sorted(met)):
        points = [("spend", 7), ("again", 13), ("row", 1)]
        touch = Touch(START + day * DAY + number, PURCHASE, points, 0, SEEN_EVENT, fen=fen)
        if day > closed and not account.archived_before:
            archive(account, evaluate(account, book, START + 99 * DAY), book, START + 99 * DAY)
        for facts in (kept, account.facts_by_origin):
            facts[origin].touches.add(f"{number:06}".encode(), touch)
    as_of = START + (100 + later) * DAY
    mine, whole = evaluate(account, book, as_of), evaluate(Account(kept), book, as_of)
    assert mine.classes == whole.classes
    assert mine.granted == whole.granted
    for one in account.facts_by_origin.values():  # of what no window reaches one day is left
        old = one.archived.bought if one.archived else {}
        first = account.archived_before - book.bought_days
        assert len([day for day in old if day < first]) <= 1


def test_what_was_paid_stays_in_the_totals_and_merges() -> None:
    paid = Touch(START, PURCHASE, [], 0, SEEN_EVENT, fen=900)
    account = Account({o: OriginFacts(Touches.of({o.encode(): paid})) for o in (ORIGIN, "x")})
    archive(account, evaluate(account, KEPT, LONG_AFTER), KEPT, LONG_AFTER)
    mine, theirs = (facts.archived for facts in account.facts_by_origin.values())
    total = merge_archived(mine, theirs)
    assert total is not None
    assert total.fen == 1_800


def test_each_origin_keeps_the_share_of_its_own_touches_below_the_cap() -> None:
    """visit is capped at 50 for life; the touches of the origin came first."""
    account = Account({ORIGIN: OriginFacts(visits(0, 1, 2)), "": OriginFacts(visits(3, 4, 5, 6))})
    result = evaluate(account, KEPT, LONG_AFTER)
    assert result.granted == {"visit@1": 50}
    archive(account, result, KEPT, LONG_AFTER)
    shares = {key: s.archived.granted for key, s in account.facts_by_origin.items() if s.archived}
    assert shares == {ORIGIN: {"visit@1": 30}, "": {"visit@1": 20}}
    assert evaluate(account, KEPT, LONG_AFTER).granted == {"visit@1": 50}


def test_what_a_day_cap_cuts_is_nobodys_share() -> None:
    """visit is capped at 20 a day; the origin came first and again, Mei in between."""
    first, last = (Touch(START + hour, VISIT, [("visit", 10)], 0, SEEN_EVENT) for hour in (1, 3))
    between = Touch(START + 2, VISIT, [("visit", 10)], 0, SEEN_EVENT)
    account = Account(
        {
            ORIGIN: OriginFacts(Touches.of({b"1": first, b"3": last})),
            "": OriginFacts(Touches.of({b"2": between})),
        }
    )
    archive(account, evaluate(account, KEPT, LONG_AFTER), KEPT, LONG_AFTER)
    shares = {key: s.archived.granted for key, s in account.facts_by_origin.items() if s.archived}
    assert shares == {ORIGIN: {"visit@1": 10}, "": {"visit@1": 10}}


def test_one_touch_by_two_origins_closes_once() -> None:
    account = Account({ORIGIN: OriginFacts(visits(0)), "": OriginFacts(visits(0))})
    share([account.facts_by_origin[""].touches], account.facts_by_origin[ORIGIN].touches)
    archive(account, evaluate(account, KEPT, LONG_AFTER), KEPT, LONG_AFTER)
    result = evaluate(account, KEPT, LONG_AFTER)
    assert (result.granted, result.outcomes) == ({"visit@1": 10}, {"applied": 1})


def test_of_one_touch_by_two_origins_the_higher_rank_closes() -> None:
    for first, second in (("origin.a", "origin.b"), ("origin.b", "origin.a")):
        held = Touch(START, PURCHASE, [("spend", 30)], rank=5, seen=SEEN_EVENT)
        nothing = Touch(START, PURCHASE, [], rank=1, seen=SEEN_EVENT, void=True)
        account = Account(
            facts_by_origin={
                first: OriginFacts(Touches.of({b"12345678": held})),
                second: OriginFacts(Touches.of({b"12345678": nothing})),
            }
        )
        share([account.facts_by_origin[second].touches], account.facts_by_origin[first].touches)
        later = START + 800 * DAY
        before = evaluate(account, KEPT, START)
        archive(account, before, KEPT, later)
        assert dict(evaluate(account, KEPT, START).granted) == dict(before.granted)
        assert before.granted
        archived = account.facts_by_origin[first].archived
        assert archived is not None
        assert sum(archived.granted.values()) == sum(before.granted.values())


def test_lots_long_expired_are_forgotten_and_stay_expired() -> None:
    account = Account({"": OriginFacts(visits(0))})
    archive(account, evaluate(account, KEPT, LONG_AFTER), KEPT, LONG_AFTER)
    archived = account.facts_by_origin[""].archived
    assert archived is not None
    assert archived.lots == {"visit@1": {}}
    result = evaluate(account, KEPT, LONG_AFTER)
    assert (result.granted, result.expired) == ({"visit@1": 10}, {"visit@1": 10})


def test_a_members_lots_are_kept_as_they_were_on_enrolment() -> None:
    origin_facts = OriginFacts(visits(0), {b"m": Enrolment(START + DAY, "M1")})
    account = Account({"": origin_facts})
    archive(account, evaluate(account, KEPT, LONG_AFTER), KEPT, LONG_AFTER)
    assert evaluate(account, KEPT, LONG_AFTER).payable == 10


def test_a_birthday_before_what_is_closed_keeps_the_level_of_its_day() -> None:
    book = RuleBook(CLASSES.versions[:1], retention_days=35)
    facts = OriginFacts(birthdays={b"said": StatedBirthday(START, Birthday(3, 10))})
    for number, day in enumerate((8, 60)):
        touch = Touch(START + day * DAY, PURCHASE, [], 0, SEEN_EVENT, fen=2_000)
        facts.touches.add(bytes([number]), touch)
    account = Account({ORIGIN: facts})
    before = evaluate(account, book, START + 99 * DAY)
    assert before.granted["cake@1"] == 31, "bronze on 10 March"
    archive(account, before, book, START + 99 * DAY)
    assert evaluate(account, book, START + 200 * DAY).granted == before.granted
