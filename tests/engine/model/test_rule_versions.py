# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.limits import SKEW_MS
from stream.engine.model.rule_versions import dump_version, fingerprint, load_version, objections
from stream.engine.model.ruleset import Condition, Op, RuleBook, RuleSet
from stream.rules.loader import load_rules, parse_rules
from tests.support.books import BOOK, DAY, EXPERIMENT, FIRST, OPT_IN, SECOND, START

VERSIONS = [*BOOK.versions, *EXPERIMENT.versions, *OPT_IN.versions, *load_rules().versions]
THIRD = replace(SECOND, version=3, effective_ms=START + 20 * DAY)
#: While the second version is in force.
NOW = START + 15 * DAY


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: f"{v.version}-{fingerprint(v)[:4]}")
def test_a_version_goes_to_bytes_and_back(version: RuleSet) -> None:
    loaded = load_version(dump_version(version))
    assert dump_version(loaded) == dump_version(version)
    assert replace(loaded, rules={}, campaigns=()) == replace(version, rules={}, campaigns=())
    assert {t: len(r) for t, r in loaded.by_touchpoint.items()} == {
        t: len(r) for t, r in version.by_touchpoint.items()
    }


def test_without_lists_in_another_order_it_comes_back_equal() -> None:
    assert [load_version(dump_version(v)) for v in BOOK.versions] == list(BOOK.versions)


ONE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    earn:
      - id: till
        touchpoint: purchase
        points_per_yuan: 12.50
        when: {total_fen: {gte: 500, lt: 900}, trade_type: {in: [JSAPI, APP]}}
      - {id: visit, touchpoint: check_in, points: 1000}
"""
WRITTEN_OTHERWISE = """\
# The same, by another hand.
versions:
  - earn:
      - {points: 1_000, touchpoint: "check_in", id: visit, first_time: false}
      - when:
          trade_type:
            in:
              - APP
              - JSAPI
          total_fen: {lt: 900, gte: 500}
        id: till
        rounding: down
        base: payer_total_fen
        points_per_yuan: "12.5"
        touchpoint: purchase
    consent: opt_in
    effective: "2026-01-01"
    version: 1
"""


def test_a_fingerprint_is_of_what_a_file_means() -> None:
    a, b = (parse_rules(text, "f").versions[0] for text in (ONE, WRITTEN_OTHERWISE))
    assert fingerprint(a) == fingerprint(b)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("12.50", "12.51"),
        ("gte: 500", "gt: 500"),
        ("[JSAPI, APP]", "[JSAPI]"),
        ("opt_in", "opt_out"),
        ("2026-01-01", "2026-01-02"),
        ("id: visit", "id: visits"),
        ("points: 1000", "points: 1000, first_time: true"),
        ("points: 1000", "points: 1000, caps: {day: 1000}"),
    ],
)
def test_whatever_a_file_means_changes_its_fingerprint(was: str, becomes: str) -> None:
    assert was in ONE
    a, b = (parse_rules(text, "f").versions[0] for text in (ONE, ONE.replace(was, becomes)))
    assert fingerprint(a) != fingerprint(b)


def _richer(version: RuleSet) -> RuleSet:
    rules = dict(version.rules)
    rules["visit"] = replace(rules["visit"], points=400)
    return replace(version, rules=rules)


Change = Callable[[RuleBook], RuleBook]


@pytest.mark.parametrize(
    ("change", "now", "said"),
    [
        (lambda book: book, NOW, []),
        # what has begun stays
        (lambda _: RuleBook((_richer(FIRST), SECOND)), NOW, ["version 1 is in force from 2026-03"]),
        (lambda _: RuleBook((FIRST, _richer(SECOND))), NOW, ["version 2 is in force from 2026-03"]),
        (lambda _: RuleBook((SECOND,)), NOW, ["version 1 is in force from 2026-03-01T00:00+08:00"]),
        (lambda _: RuleBook((FIRST,)), NOW, ["version 2 is in force from 2026-03-11T00:00+08:00"]),
        # what has not may change, but not become the past
        (lambda _: RuleBook((FIRST,)), START + DAY, []),
        (lambda _: RuleBook((FIRST, _richer(SECOND))), START + DAY, []),
        (
            lambda _: RuleBook((FIRST, replace(SECOND, effective_ms=START + DAY))),
            START + 2 * DAY,
            ["version 2 is new and would start at 2026-03-02T00:00+08:00: it must start after"],
        ),
        # what is new begins later than any partition may be
        (lambda _: RuleBook((FIRST, SECOND, THIRD)), NOW, []),
        (lambda _: RuleBook((FIRST, SECOND, THIRD)), THIRD.effective_ms - SKEW_MS - 1, []),
        (
            lambda _: RuleBook((FIRST, SECOND, THIRD)),
            THIRD.effective_ms - SKEW_MS,
            ["version 3 is new and would start at 2026-03-21T00:00+08:00: it must start after"],
        ),
        # partitions may be ahead: it may have begun in one of them
        (lambda _: RuleBook((FIRST,)), SECOND.effective_ms - SKEW_MS - 1, []),
        (
            lambda _: RuleBook((FIRST,)),
            SECOND.effective_ms - SKEW_MS,
            ["version 2 is in force from 2026-03-11T00:00+08:00 and is missing: put it back"],
        ),
        # all of it at once
        (
            lambda _: RuleBook((_richer(SECOND), replace(THIRD, effective_ms=NOW))),
            NOW,
            ["version 1", "version 2", "version 3"],
        ),
    ],
)
def test_what_has_begun_is_not_edited_or_removed(change: Change, now: int, said: list[str]) -> None:
    found = list(map(str, objections(BOOK, change(BOOK), now)))
    assert [sentence[: len(start)] for sentence, start in zip(found, said, strict=True)] == said


@given(st.sets(st.sampled_from(["APP", "JSAPI", "NATIVE", "MWEB"]), min_size=2), st.randoms())
def test_the_order_of_values_and_conditions_means_nothing(names: set[str], random: object) -> None:
    def version(values: list[str], *, turned: bool) -> RuleSet:
        when = [Condition("trade_type", Op.IN, tuple(values)), Condition("total_fen", Op.GT, 5)]
        rule = replace(FIRST.rules["spend"], when=tuple(reversed(when) if turned else when))
        return replace(FIRST, rules={"spend": rule})

    shuffled = list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    a, b = version(sorted(names), turned=False), version(shuffled, turned=True)
    assert fingerprint(a) == fingerprint(b)
