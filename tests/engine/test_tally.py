from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.engine.calendar import day_of, month_of, start_of
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import Caps, EarningRule, RuleBook, RuleSet
from stream.engine.state import Account, Consent, Enrolment, Strand
from stream.engine.tally import (
    Grant,
    Tally,
    consent_mode,
    grants,
    judge,
    merge_touch,
    merged_touches,
    standing,
    tally,
)
from stream.engine.touches import SEEN_EVENT, SEEN_REVERSAL, Touch, Touches
from stream.engine.touchpoints import Touchpoint
from tests.engine.build import ORIGIN, touches
from tests.support.books import BOOK, DAY, FIRST, HOUR, OPT_IN, SECOND, START

TODAY = day_of(START)


# a touch is a register ----------------------------------------------------------------------------


@example(Touch(START, 1), Touch(START, 1, void=True))
@given(touches, touches)
def test_merging_is_commutative(a: Touch, b: Touch) -> None:
    assert merge_touch(a, b) == merge_touch(b, a)


@given(touches, touches, touches)
def test_merging_is_associative(a: Touch, b: Touch, c: Touch) -> None:
    assert merge_touch(merge_touch(a, b), c) == merge_touch(a, merge_touch(b, c))


@given(touches)
def test_merging_is_idempotent(a: Touch) -> None:
    assert merge_touch(a, a) == a


def test_the_higher_rank_holds_and_both_records_are_seen() -> None:
    event = Touch(START, 17, [("visit", 10)], 0, SEEN_EVENT)
    reversal = Touch(START, 17, [], 1, SEEN_REVERSAL, void=True)
    merged = Touch(START, 17, [], 1, SEEN_EVENT | SEEN_REVERSAL, void=True)
    assert merge_touch(event, reversal) == merge_touch(reversal, event) == merged


def test_one_touch_by_two_origins_is_one_touch() -> None:
    touch = Touch(START, 17, [("visit", 10)], 0, SEEN_EVENT)
    account = Account(
        {ORIGIN: Strand(Touches.of({b"k": touch})), "": Strand(Touches.of({b"k": touch}))}
    )
    assert merged_touches(account.strands) == {b"k": touch}
    assert tally(account, BOOK, START).granted == {"visit@1": 10}


# caps ---------------------------------------------------------------------------------------------

limits = st.none() | st.integers(1, 60)
caps = st.builds(Caps, limits, limits, limits)
days = st.dictionaries(st.integers(TODAY, TODAY + 70), st.integers(1, 40), max_size=25)


def book_of(*versions: tuple[int, EarningRule]) -> RuleBook:
    return RuleBook(
        tuple(
            RuleSet(number, start_of(TODAY + day), {rule.id: rule})
            for number, (day, rule) in enumerate(versions, 1)
        )
    )


def rule(caps: Caps = Caps(), points: int = 1, *, first_time: bool = False) -> EarningRule:  # noqa: B008
    return EarningRule("r", Touchpoint.PURCHASE, points, None, first_time, caps)


@given(days, caps, caps, st.integers(1, 60), st.integers(0, 80))
def test_no_cap_is_ever_exceeded(
    earned: dict[int, int], old: Caps, new: Caps, change: int, used: int
) -> None:
    """Nor is anything held back which the caps in force on its day allow."""
    book = book_of((0, rule(old)), (change, rule(new)))
    granted = {g.day: g.points for g in grants({"r": earned}, {"r": used}, book)}
    ever, months = used, Counter[int]()
    for day in sorted(earned):
        limit = new if day >= TODAY + change else old
        room = [earned[day]]
        room += [limit.day] if limit.day is not None else []
        room += [limit.month - months[month_of(day)]] if limit.month is not None else []
        room += [limit.lifetime - ever] if limit.lifetime is not None else []
        points = granted.get(day, 0)
        assert points == max(0, min(room))
        ever, months[month_of(day)] = ever + points, months[month_of(day)] + points


@given(days, st.integers(0, 1))
def test_a_first_time_is_the_first_day_and_only_without_an_older_one(
    earned: dict[int, int], used: int
) -> None:
    book = book_of((0, rule(points=7, first_time=True)))
    earned = dict.fromkeys(earned, 14)  # twice on each day
    granted = list(grants({"r": earned}, {"r": used}, book))
    expected = [Grant("r", min(earned), "r@1", 7, 0, 0)] if earned and not used else []
    assert [grant for grant in granted if grant.points] == expected


def test_a_rule_which_its_day_does_not_know_grants_nothing() -> None:
    book = book_of((5, rule()))
    assert list(grants({"r": {TODAY: 3}, "gone": {TODAY + 6: 3}}, {}, book)) == []


def test_points_of_a_day_expire_when_the_last_day_is_over() -> None:
    book = RuleBook((replace(FIRST, expiry_days=9),))
    (grant,) = grants({"browse": {TODAY: 2}}, {}, book)
    assert grant == Grant("browse", TODAY, "browse@1", 2, TODAY + 10, 0)


# judging ------------------------------------------------------------------------------------------


def answers(*consents: tuple[int, bool]) -> list[Consent]:
    return [Consent(START + time, granted) for time, granted in consents]


@pytest.mark.parametrize(
    ("book", "consents", "enrolled", "outcome"),
    [
        (BOOK, [], None, Outcome.APPLIED),
        (BOOK, [(0, False)], None, Outcome.REFUSED),
        (BOOK, [(0, False), (5, True)], None, Outcome.APPLIED),
        (BOOK, [(9, False)], None, Outcome.APPLIED),
        (OPT_IN, [], None, Outcome.PARKED),
        (OPT_IN, [(0, True)], None, Outcome.APPLIED),
        (OPT_IN, [(9, True)], None, Outcome.APPLIED),
        (OPT_IN, [(9, False), (10, True)], None, Outcome.REFUSED),
        (OPT_IN, [(5, False), (6, True)], None, Outcome.APPLIED),
        (OPT_IN, [], 5, Outcome.MEMBER),
        (BOOK, [(0, False)], 5, Outcome.MEMBER),
        (BOOK, [], 6, Outcome.APPLIED),
    ],
)
def test_the_outcome_of_a_touch_at_six(
    book: RuleBook, consents: list[tuple[int, bool]], enrolled: int | None, outcome: Outcome
) -> None:
    t = Tally(consents=answers(*consents))
    if enrolled is not None:
        t.enrolment = Enrolment(START + enrolled, "M1")
    assert judge(START + 6, t, book) is outcome


@pytest.mark.parametrize(("time", "answer"), [(4, None), (5, True), (7, True), (8, False)])
def test_the_answer_in_force(time: int, answer: bool | None) -> None:
    assert standing(answers((5, True), (8, False)), START + time) is answer


def test_silence_before_the_first_rules_is_no_consent_question() -> None:
    assert consent_mode(OPT_IN, START - 1) == "opt_out"
    assert consent_mode(OPT_IN, START) == "opt_in"


# an account ---------------------------------------------------------------------------------------


def visits(*times: int) -> Account:
    touches = {
        bytes([n]): Touch(time, Touchpoint.CHECK_IN, [("visit", 10)], 0, SEEN_EVENT)
        for n, time in enumerate(times)
    }
    return Account({"": Strand(Touches.of(touches))})


def test_an_empty_account_amounts_to_nothing() -> None:
    t = tally(Account(), BOOK, START)
    assert (t.payable, t.next_change, dict(t.outcomes)) == (0, None, {})


def test_time_alone_changes_it_next_when_the_first_lot_expires() -> None:
    account = visits(START, START + DAY)
    t = tally(account, BOOK, START + DAY)
    assert (t.payable, t.next_change) == (20, START + 10 * DAY)
    t = tally(account, BOOK, START + 10 * DAY)
    assert (t.payable, dict(t.expired), t.next_change) == (10, {"visit@1": 10}, START + 11 * DAY)
    t = tally(account, BOOK, START + 11 * DAY)
    assert (t.payable, t.next_change) == (0, None)


def test_what_is_ahead_of_the_clock_waits_for_it() -> None:
    account = visits(START, START + HOUR)
    t = tally(account, BOOK, START)
    assert (t.payable, t.next_change) == (10, START + HOUR)
    assert t.outcomes == {Outcome.APPLIED: 2}
    assert tally(account, BOOK, START + HOUR).payable == 20


def test_an_answer_ahead_of_the_clock_wakes_the_account_at_its_time() -> None:
    account = Account({"": Strand(consents={b"c": Consent(START + HOUR, False)})})
    assert tally(account, BOOK, START).next_change == START + HOUR
    assert tally(account, BOOK, START + HOUR).next_change is None


def test_enrolment_ends_the_account_at_its_own_time() -> None:
    account = visits(START, START + HOUR, START + 3 * HOUR)
    account.strands[""].enrolments = {
        b"2": Enrolment(START + 2 * HOUR, "M2"),
        b"1": Enrolment(START + HOUR, "M1"),
    }
    t = tally(account, BOOK, START + 30 * DAY)
    assert t.enrolment == Enrolment(START + HOUR, "M1")
    assert (t.payable, t.next_change) == (20, None)
    assert t.outcomes == {Outcome.APPLIED: 4, Outcome.MEMBER: 1}


def test_a_void_touch_is_an_input_record_and_nothing_else() -> None:
    account = Account(
        {"": Strand(Touches.of({b"k": Touch(START, 17, [("visit", 10)], 1, 3, void=True)}))}
    )
    t = tally(account, BOOK, START)
    assert (t.payable, dict(t.touches), dict(t.latest)) == (0, {}, {})
    assert t.outcomes == {Outcome.APPLIED: 2}


def test_each_day_is_judged_by_the_version_in_force_on_it() -> None:
    account = visits(SECOND.effective_ms - 1, SECOND.effective_ms)
    t = tally(account, BOOK, SECOND.effective_ms)
    assert t.granted == {"visit@1": 10, "visit@2": 10}


def test_the_same_answer_by_two_origins_counts_once() -> None:
    strand = Strand(consents={b"c": Consent(START, True)}, enrolments={b"m": Enrolment(START, "M")})
    account = Account({"": strand, ORIGIN: strand})
    assert tally(account, BOOK, START).outcomes == {Outcome.APPLIED: 2}
