# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.engine.model.calendar import day_of, month_of, start_of, week_of
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import Caps, EarningRule, RuleBook, RuleSet
from stream.engine.model.state import Account, Answer, Consent, Enrolment, OriginFacts
from stream.engine.model.touches import SEEN_EVENT, SEEN_REVERSAL, Touch, Touches
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import (
    AccountView,
    Grant,
    consent_at,
    consent_mode,
    evaluate,
    grants,
    judge,
    merge_touch,
    merged_touches,
)
from stream.engine.points.caps import NOTHING_USED, Used
from stream.engine.points.kinds.kind import Before
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
        {ORIGIN: OriginFacts(Touches.of({b"k": touch})), "": OriginFacts(Touches.of({b"k": touch}))}
    )
    assert merged_touches(account.facts_by_origin) == {b"k": touch}
    assert evaluate(account, BOOK, START).granted == {"visit@1": 10}


# caps ---------------------------------------------------------------------------------------------

limits = st.none() | st.integers(1, 60)
caps = st.builds(Caps, limits, limits, limits, limits)
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
    cells = {"r": {start_of(day): points for day, points in earned.items()}}
    granted = {day_of(g.at): g.points for g in grants(cells, Used({"r": used}, {}), book)}
    ever, weeks, months = used, Counter[int](), Counter[int]()
    for day in sorted(earned):
        limit = new if day >= TODAY + change else old
        room = [earned[day]]
        room += [limit.day] if limit.day is not None else []
        room += [limit.week - weeks[week_of(day)]] if limit.week is not None else []
        room += [limit.month - months[month_of(day)]] if limit.month is not None else []
        room += [limit.lifetime - ever] if limit.lifetime is not None else []
        points = granted.get(day, 0)
        assert points == max(0, min(room))
        ever += points
        weeks[week_of(day)] += points
        months[month_of(day)] += points


@given(days, st.integers(0, 1))
def test_a_first_time_is_a_first_day_without_an_older(earned: dict[int, int], used: int) -> None:
    book = book_of((0, rule(points=7, first_time=True)))
    cells = dict.fromkeys(map(start_of, earned), 14)  # twice on each day
    granted = list(grants({"r": cells}, Used({"r": used}, {}), book))
    expected = [Grant("r", min(cells), "r@1", 7, 0, 0, Before(), ())] if earned and not used else []
    assert [grant for grant in granted if grant.points] == expected


def test_a_rule_which_its_day_does_not_know_grants_nothing() -> None:
    book = book_of((5, rule()))
    cells = {"r": {start_of(TODAY): 3}, "gone": {start_of(TODAY + 6): 3}}
    assert list(grants(cells, NOTHING_USED, book)) == []


def test_points_of_a_day_expire_when_the_last_day_is_over() -> None:
    book = RuleBook((replace(FIRST, expiry_days=9),))
    (grant,) = grants({"browse": {start_of(TODAY): 2}}, NOTHING_USED, book)
    assert grant == Grant("browse", start_of(TODAY), "browse@1", 2, 0, TODAY + 10, Before(), ())


# judging ------------------------------------------------------------------------------------------


def account_with(consents: str, enrolled: int | None = None) -> Account:
    """Answers by their hour, such as ``5+`` (granted), ``6~`` (paused), ``7-`` (withdrawn)."""
    words = {"+": Answer.GRANTED, "~": Answer.PAUSED, "-": Answer.WITHDRAWN}
    said = {
        bytes([n]): Consent(START + int(one[:-1]), words[one[-1]])
        for n, one in enumerate(consents.split())
    }
    enrolments = {} if enrolled is None else {b"m": Enrolment(START + enrolled, "M1")}
    return Account({"": OriginFacts(consents=said, enrolments=enrolments)})


def counted(account: Account, book: RuleBook) -> AccountView:
    return evaluate(account, book, START + 100)


@pytest.mark.parametrize(
    ("consents", "opt_out", "opt_in"),
    [
        ("", "applied", "parked"),
        ("0+", "applied", "applied"),
        ("0-", "refused", "refused"),
        ("0- 5+", "applied", "applied"),
        ("5- 6+", "applied", "applied"),
        ("9+", "applied", "applied"),
        ("9-", "applied", "refused"),
        ("9- 10+", "applied", "refused"),
        ("9~", "applied", "parked"),
        ("9~ 10+", "applied", "applied"),
        ("9~ 10-", "applied", "refused"),
        ("0~", "parked", "parked"),
        ("0~ 9+", "applied", "applied"),
        ("0~ 9-", "refused", "refused"),
        ("0~ 8~ 9+", "applied", "applied"),
        ("0+ 5~", "parked", "parked"),
        ("0+ 5~ 9+", "applied", "applied"),
        ("0+ 5~ 9-", "refused", "refused"),
        ("0+ 9-", "applied", "applied"),
        ("0+ 9~", "applied", "applied"),
        ("0- 5~", "refused", "refused"),
        ("0- 5~ 9+", "refused", "refused"),
        ("6+ 6-", "refused", "refused"),
        ("6+ 6~", "parked", "parked"),
        ("0+ 3+ 5- 5+ 5-", "refused", "refused"),
    ],
)
def test_the_table_of_consent_for_a_touch_at_six(consents: str, opt_out: str, opt_in: str) -> None:
    for book, outcome in ((BOOK, opt_out), (OPT_IN, opt_in)):
        account = account_with(consents)
        account.facts_by_origin[""].touches.add(b"visits", VISIT_AT_SIX)
        assert judge(START + 6, counted(account, book), book) == outcome
        others = len(account.facts_by_origin[""].consents)
        expected = Counter({"applied": others}) + Counter({outcome: 1})
        assert counted(account, book).outcomes == expected


VISIT_AT_SIX = Touch(START + 6, Touchpoint.CHECK_IN, [("visit", 10)], 0, SEEN_EVENT)


@pytest.mark.parametrize(
    ("consents", "enrolled", "outcome"),
    [("", 5, "member"), ("0-", 5, "member"), ("", 6, "applied")],
)
def test_who_has_enrolled_is_a_member(consents: str, enrolled: int, outcome: str) -> None:
    assert judge(START + 6, counted(account_with(consents, enrolled), BOOK), BOOK) == outcome


@pytest.mark.parametrize(
    ("time", "answer"), [(4, None), (5, True), (7, True), (8, False), (9, True), (10, False)]
)
def test_the_answer_in_force(time: int, answer: bool | None) -> None:
    t = counted(account_with("5+ 8- 9+ 10~"), BOOK)
    assert consent_at(t.consents, START + time) is answer


def test_answers_which_change_nothing_are_no_answers() -> None:
    t = counted(account_with("1~ 2~ 3+ 4+ 5- 6~ 7- 8+"), BOOK)
    assert [consent.time - START for consent in t.consents] == [1, 3, 5, 8]
    assert t.seen == START + 8


def test_silence_before_the_first_rules_is_no_consent_question() -> None:
    assert consent_mode(OPT_IN, START - 1) == "opt_out"
    assert consent_mode(OPT_IN, START) == "opt_in"


# an account ---------------------------------------------------------------------------------------


def visits(*times: int) -> Account:
    touches = {
        bytes([n]): Touch(time, Touchpoint.CHECK_IN, [("visit", 10)], 0, SEEN_EVENT)
        for n, time in enumerate(times)
    }
    return Account({"": OriginFacts(Touches.of(touches))})


def test_an_empty_account_amounts_to_nothing() -> None:
    t = evaluate(Account(), BOOK, START)
    assert (t.payable, t.next_change, dict(t.outcomes)) == (0, None, {})


def test_time_alone_changes_it_next_when_the_first_lot_expires() -> None:
    account = visits(START, START + DAY)
    t = evaluate(account, BOOK, START + DAY)
    assert (t.payable, t.next_change) == (20, START + 10 * DAY)
    t = evaluate(account, BOOK, START + 10 * DAY)
    assert (t.payable, dict(t.expired), t.next_change) == (10, {"visit@1": 10}, START + 11 * DAY)
    t = evaluate(account, BOOK, START + 11 * DAY)
    assert (t.payable, t.next_change) == (0, None)


def test_what_is_ahead_of_the_clock_waits_for_it() -> None:
    account = visits(START, START + HOUR)
    t = evaluate(account, BOOK, START)
    assert (t.payable, t.next_change) == (10, START + HOUR)
    assert t.outcomes == {Outcome.APPLIED: 2}
    assert evaluate(account, BOOK, START + HOUR).payable == 20


def test_an_answer_ahead_of_the_clock_wakes_the_account_at_its_time() -> None:
    account = Account({"": OriginFacts(consents={b"c": Consent(START + HOUR, Answer.WITHDRAWN)})})
    assert evaluate(account, BOOK, START).next_change == START + HOUR
    assert evaluate(account, BOOK, START + HOUR).next_change is None


def test_enrolment_ends_the_account_at_its_own_time() -> None:
    account = visits(START, START + HOUR, START + 3 * HOUR)
    account.facts_by_origin[""].enrolments = {
        b"2": Enrolment(START + 2 * HOUR, "M2"),
        b"1": Enrolment(START + HOUR, "M1"),
    }
    t = evaluate(account, BOOK, START + 30 * DAY)
    assert t.enrolment == Enrolment(START + HOUR, "M1")
    assert (t.payable, t.next_change) == (20, None)
    assert t.outcomes == {Outcome.APPLIED: 4, Outcome.MEMBER: 1}


def test_a_void_touch_is_an_input_record_and_nothing_else() -> None:
    account = Account(
        {"": OriginFacts(Touches.of({b"k": Touch(START, 17, [("visit", 10)], 1, 3, void=True)}))}
    )
    t = evaluate(account, BOOK, START)
    assert (t.payable, dict(t.touches), dict(t.latest)) == (0, {}, {})
    assert t.outcomes == {Outcome.APPLIED: 2}


def test_each_day_is_judged_by_the_version_in_force_on_it() -> None:
    account = visits(SECOND.effective_ms - 1, SECOND.effective_ms)
    t = evaluate(account, BOOK, SECOND.effective_ms)
    assert t.granted == {"visit@1": 10, "visit@2": 10}


def test_the_same_answer_by_two_origins_counts_once() -> None:
    origin_facts = OriginFacts(
        consents={b"c": Consent(START, Answer.GRANTED)}, enrolments={b"m": Enrolment(START, "M")}
    )
    account = Account({"": origin_facts, ORIGIN: origin_facts})
    assert evaluate(account, BOOK, START).outcomes == {Outcome.APPLIED: 2}
