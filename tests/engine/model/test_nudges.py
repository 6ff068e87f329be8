# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.rule_versions import dump_version, load_version
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.schedule import Span
from stream.engine.model.touchpoints import Touchpoint as T
from tests.support.books import FIRST, HOUR, NUDGED, START

BOUGHT = frozenset({T.PURCHASE})
MINUTE = HOUR // 60
NIGHT = Span(21 * 60 + 30, 32 * 60 + 30)


def test_a_nudge_is_due_so_long_after_its_anchor_or_at_a_time_of_the_day() -> None:
    at_ten = Nudge("a", BOUGHT, wait_ms=3 * DAY_MS, at_minute=600)
    assert Nudge("a", BOUGHT, wait_ms=2 * HOUR).due_at(START + 5) == START + 2 * HOUR + 5
    assert at_ten.due_at(START + 5) == at_ten.due_at(START + 23 * HOUR)
    assert at_ten.due_at(START + 5) == START + 3 * DAY_MS + 10 * HOUR


def test_it_is_not_due_before_it_happened() -> None:
    today_at_ten = Nudge("a", BOUGHT, at_minute=600)
    assert today_at_ten.due_at(START + HOUR) == START + 10 * HOUR
    assert today_at_ten.due_at(START + 11 * HOUR) == START + 11 * HOUR


def test_before_an_offer_ends_it_ends_with_it() -> None:
    ending = Nudge("a", wait_ms=48 * HOUR)
    due = ending.due_at(START)
    assert (due, ending.ends_at(START, due)) == (START - 48 * HOUR, START)


def test_quiet_hours_go_over_midnight() -> None:
    quiet = NudgePolicy((), quiet=NIGHT)
    evening, morning = START + 21 * HOUR + 30 * MINUTE, START + 8 * HOUR + 30 * MINUTE
    assert quiet.audible(evening - 1) == evening - 1
    assert quiet.audible(evening) == morning + DAY_MS
    assert quiet.audible(START) == quiet.audible(morning - 1) == morning
    assert quiet.audible(morning) == morning
    assert NudgePolicy(()).audible(START) == START


def test_days_matter_for_each_anchor_and_else_the_last_one() -> None:
    each = Nudge("a", BOUGHT, frozenset({T.LOGIN}), 3 * DAY_MS, each=True, expires_ms=DAY_MS)
    policy = NudgePolicy((each, Nudge("b", BOUGHT | {T.SCAN}, wait_ms=90 * DAY_MS)))
    assert policy.wanted == {T.PURCHASE: 6 * DAY_MS, T.LOGIN: 0, T.SCAN: 0}
    book = RuleBook((FIRST,), retention_days=35)
    nudged = RuleBook((FIRST, NUDGED.versions[1]), retention_days=35)
    assert book.reach_days == nudged.reach_days == 35


def test_touches_are_kept_for_as_long_as_a_nudge_may_follow() -> None:
    long = NudgePolicy((Nudge("a", BOUGHT, wait_ms=90 * DAY_MS, expires_ms=DAY_MS),))
    book = RuleBook((RuleSet(1, 0, {}, nudges=long),), retention_days=35)
    assert book.reach_days == 93


def test_a_version_reads_back_with_its_nudges_in_their_order() -> None:
    for version in NUDGED.versions:
        known = load_version(dump_version(version))
        assert known == version
        assert known.nudges is not None
        assert version.nudges is not None
        assert known.nudges.wanted == version.nudges.wanted
