# SPDX-License-Identifier: Apache-2.0
"""What has begun stays as it is, whoever comes with other rules, and in whatever order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from stream.engine.model.limits import SKEW_MS
from stream.engine.model.messages import CampaignEnded, RulesChanged
from stream.engine.model.rule_versions import contradictions, dump_book, objections
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.ruling import Rules, dump_rules, end, read_rules, rule
from tests.support.books import BOOK, DAY, FIRST, SECOND, START

NOW = START + 15 * DAY  # while the second version is in force
COMING = START + 20 * DAY
THIRD = replace(SECOND, version=3, effective_ms=COMING)
MORE = RuleBook((FIRST, SECOND, THIRD))


def richer(version: RuleSet) -> RuleSet:
    rules = dict(version.rules)
    rules["visit"] = replace(rules["visit"], points=400)
    return replace(version, rules=rules)


def said(book: RuleBook, at: int = 1) -> RulesChanged:
    return RulesChanged(at, dump_book(book))


def begun(book: RuleBook = BOOK) -> Rules:
    rules = rule(None, said(book, 0), NOW)
    assert rules is not None
    return rules


def test_the_first_rules_of_a_log_are_taken_as_they_are() -> None:
    assert begun().book == BOOK
    assert begun(RuleBook((richer(FIRST), SECOND))).book.versions[0] == richer(FIRST)


def test_the_first_rules_of_a_second_worker_change_nothing() -> None:
    for other in (BOOK, MORE, RuleBook((richer(FIRST),))):
        assert rule(begun(), said(other, 0), NOW) is None


def test_what_is_stored_is_what_was_said() -> None:
    book = replace(MORE, horizon_days=40, payment_horizon_days=50, retention_days=60, idle_days=7)
    rules = begun(book)
    assert read_rules(dump_rules(rules)) == rules
    assert read_rules(dump_rules(rules)).book == book


def test_a_campaign_ends_at_the_earliest_instant_that_was_still_to_come_in_any_order() -> None:
    words: list[CampaignEnded | RulesChanged] = [CampaignEnded("other", COMING), said(MORE)]
    words += [CampaignEnded("double", COMING + n * DAY) for n in (1, 0, 2)]
    for order in permutations(words):
        rules = begun()
        for word in order:
            if isinstance(word, RulesChanged):
                rules = rule(rules, word, NOW) or rules
            else:
                rules = end(rules, word, NOW) or rules
        assert rules.book.versions == MORE.versions
        assert rules.book.ended == {"double": COMING, "other": COMING}
        assert read_rules(dump_rules(rules)) == rules


def test_an_end_that_may_have_begun_is_not_heard() -> None:
    word = CampaignEnded("double", NOW + SKEW_MS)
    assert end(begun(), word, NOW) is None
    assert end(begun(), word, NOW - 1) is not None


def test_a_version_is_taken_before_it_begins() -> None:
    rules = rule(begun(), said(MORE), COMING - SKEW_MS - 1)
    assert rules is not None
    assert rules.book == MORE
    assert rule(begun(), said(MORE), COMING - SKEW_MS) is None


EDITED = RuleBook((FIRST, richer(SECOND)))
REMOVED = RuleBook((FIRST,))
TOO_SOON = RuleBook((FIRST, SECOND, replace(THIRD, effective_ms=START + 15 * DAY)))


@pytest.mark.parametrize("book", [EDITED, REMOVED, TOO_SOON], ids=["edited", "removed", "soon"])
def test_whoever_would_change_the_past_is_not_heard(book: RuleBook) -> None:
    assert rule(begun(), said(book), NOW) is None


@pytest.mark.parametrize(
    ("book", "text"),
    [
        (EDITED, "version 2 is in force from 2026-03-11T00:00+08:00 and is not as it was"),
        (REMOVED, "version 2 is in force from 2026-03-11T00:00+08:00 and is missing"),
        (TOO_SOON, "version 3 is new and would start at 2026-03-16T00:00+08:00"),
    ],
)
def test_and_says_why(book: RuleBook, text: str) -> None:
    (problem,) = objections(BOOK, book, NOW)
    assert str(problem).startswith(text)
    assert list(contradictions(BOOK, book, NOW)) == ([] if book is REMOVED else [problem])


def test_of_what_has_not_begun_the_last_word_holds_in_any_order() -> None:
    later = RuleBook((FIRST, SECOND, replace(richer(THIRD), effective_ms=COMING + DAY)))
    words = [said(MORE, 1), said(later, 3), said(BOOK, 2), said(MORE, 3)]
    last = max(words, key=lambda word: (word.at, word.book))
    for order in permutations(words):
        rules = begun()
        for word in order:
            rules = rule(rules, word, NOW) or rules
        assert rules.said == last
