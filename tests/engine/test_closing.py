from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.calendar import day_of, first_day_of
from stream.engine.closing import boundaries, close, is_beyond, merge_closed
from stream.engine.state import Account, Closed, Enrolment, Strand
from stream.engine.tally import tally
from stream.engine.touches import SEEN_EVENT, Touch, Touches
from stream.engine.touchpoints import Touchpoint
from tests.engine.build import ORIGIN, closed
from tests.support.books import BOOK, DAY, START

PURCHASE, VISIT = Touchpoint.PURCHASE, Touchpoint.CHECK_IN
MARCH = 2026 * 12 + 2


def test_whole_months_close_and_purchases_a_year_later() -> None:
    as_of = START + 66 * DAY  # 2026-05-06: 35 days before is 2026-04-01
    assert boundaries(BOOK, as_of - DAY) == (first_day_of(MARCH - 10), first_day_of(MARCH))
    assert boundaries(BOOK, as_of) == (first_day_of(MARCH - 10), first_day_of(MARCH + 1))


@pytest.mark.parametrize(
    ("touchpoint", "days", "beyond"),
    [(PURCHASE, 9, True), (PURCHASE, 10, False), (VISIT, 19, True), (VISIT, 20, False)],
)
def test_each_kind_has_its_own_first_open_day(touchpoint: int, days: int, beyond: bool) -> None:
    today = day_of(START)
    assert is_beyond((today + 10, today + 20), touchpoint, START + days * DAY) is beyond


def merged(*totals: Closed) -> Closed | None:
    """Their sum, without lots that hold nothing."""
    result: Closed | None = None
    for one in totals:
        result = merge_closed(result, copy.deepcopy(one))
    if result is not None:
        result.lots = {name: lots for name, lots in result.lots.items() if lots}
    return result


@given(closed, closed)
def test_merging_is_commutative(a: Closed, b: Closed) -> None:
    assert merged(a, b) == merged(b, a)


@given(closed, closed, closed)
def test_merging_is_associative(a: Closed, b: Closed, c: Closed) -> None:
    some = merged(b, c)
    assert some is not None
    assert merged(a, b, c) == merged(a, some)


@given(st.none() | closed)
def test_merging_with_nothing_changes_nothing(a: Closed | None) -> None:
    before = copy.deepcopy(a)
    assert merge_closed(a, None) == before
    assert merge_closed(None, a) == before


def visits(*days: int) -> Touches:
    return Touches.of(
        {
            bytes([day]): Touch(START + day * DAY, VISIT, [("visit", 10)], 0, SEEN_EVENT)
            for day in days
        }
    )


LONG_AFTER = START + 90 * DAY


def test_closing_keeps_the_figures_and_drops_the_touches() -> None:
    account = Account({ORIGIN: Strand(visits(0, 1, 2)), "": Strand(visits(3, 85))})
    before = tally(account, BOOK, LONG_AFTER)
    close(account, before, BOOK, LONG_AFTER)
    after = tally(account, BOOK, LONG_AFTER)
    assert (after.granted, after.expired) == (before.granted, before.expired)
    assert (after.touches, after.outcomes) == (before.touches, before.outcomes)
    assert [len(s.touches) for s in account.strands.values()] == [0, 1]
    assert account.closed_before == boundaries(BOOK, LONG_AFTER)


def test_each_strand_keeps_the_share_of_its_own_touches_below_the_cap() -> None:
    """visit is capped at 50 for life; the touches of the origin came first."""
    account = Account({ORIGIN: Strand(visits(0, 1, 2)), "": Strand(visits(3, 4, 5, 6))})
    result = tally(account, BOOK, LONG_AFTER)
    assert result.granted == {"visit@1": 50}
    close(account, result, BOOK, LONG_AFTER)
    shares = {key: s.closed.granted for key, s in account.strands.items() if s.closed}
    assert shares == {ORIGIN: {"visit@1": 30}, "": {"visit@1": 20}}
    assert tally(account, BOOK, LONG_AFTER).granted == {"visit@1": 50}


def test_what_a_day_cap_cuts_is_nobodys_share() -> None:
    """visit is capped at 20 a day; the origin came first and again, Mei in between."""
    first, last = (Touch(START + hour, VISIT, [("visit", 10)], 0, SEEN_EVENT) for hour in (1, 3))
    between = Touch(START + 2, VISIT, [("visit", 10)], 0, SEEN_EVENT)
    account = Account(
        {
            ORIGIN: Strand(Touches.of({b"1": first, b"3": last})),
            "": Strand(Touches.of({b"2": between})),
        }
    )
    close(account, tally(account, BOOK, LONG_AFTER), BOOK, LONG_AFTER)
    shares = {key: s.closed.granted for key, s in account.strands.items() if s.closed}
    assert shares == {ORIGIN: {"visit@1": 10}, "": {"visit@1": 10}}


def test_one_touch_by_two_origins_closes_once() -> None:
    account = Account({ORIGIN: Strand(visits(0)), "": Strand(visits(0))})
    close(account, tally(account, BOOK, LONG_AFTER), BOOK, LONG_AFTER)
    result = tally(account, BOOK, LONG_AFTER)
    assert (result.granted, result.outcomes) == ({"visit@1": 10}, {"applied": 1})


def test_of_one_touch_by_two_origins_the_higher_rank_closes() -> None:
    for first, second in (("origin.a", "origin.b"), ("origin.b", "origin.a")):
        held = Touch(START, PURCHASE, [("spend", 30)], rank=5, seen=SEEN_EVENT)
        nothing = Touch(START, PURCHASE, [], rank=1, seen=SEEN_EVENT, void=True)
        account = Account(
            strands={
                first: Strand(Touches.of({b"12345678": held})),
                second: Strand(Touches.of({b"12345678": nothing})),
            }
        )
        later = START + 800 * DAY
        before = tally(account, BOOK, START)
        close(account, before, BOOK, later)
        assert dict(tally(account, BOOK, START).granted) == dict(before.granted)
        assert before.granted
        closed = account.strands[first].closed
        assert closed is not None
        assert sum(closed.granted.values()) == sum(before.granted.values())


def test_lots_long_expired_are_forgotten_and_stay_expired() -> None:
    account = Account({"": Strand(visits(0))})
    close(account, tally(account, BOOK, LONG_AFTER), BOOK, LONG_AFTER)
    closed = account.strands[""].closed
    assert closed is not None
    assert closed.lots == {"visit@1": {}}
    result = tally(account, BOOK, LONG_AFTER)
    assert (result.granted, result.expired) == ({"visit@1": 10}, {"visit@1": 10})


def test_a_members_lots_are_kept_as_they_were_on_enrolment() -> None:
    strand = Strand(visits(0), {b"m": Enrolment(START + DAY, "M1")})
    account = Account({"": strand})
    close(account, tally(account, BOOK, LONG_AFTER), BOOK, LONG_AFTER)
    assert tally(account, BOOK, LONG_AFTER).payable == 10
