# SPDX-License-Identifier: Apache-2.0
"""What a rule file says of classes is checked, each problem at its place, and compiled."""

from __future__ import annotations

from fractions import Fraction

import pytest

from stream.engine.model.classes import ClassPolicy, Downgrade, Level, Lifecycle, Rfm, Test, Tiers
from stream.engine.model.rule_versions import dump_book, load_book
from stream.rules.loader import load_rules, parse_rules
from stream.yaml_config.problems import RulesInvalid
from tests.test_docs import ROOT

BASE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    tiers:
      levels: [{id: bronze, from_fen: 50000}, {id: gold, from_fen: 200000}]
      hold_days: 90
      grace_days: 30
    segments:
      cooldown_hours: 24
      lifecycle: {active_days: 40}
      rfm: {r: [7, 30, 30, 90], f: [2, 3, 5, 9], m: [1, 2, 3, 100000]}
    tags:
      - id: vip
        who: {tier: gold}
    earn:
      - id: till
        touchpoint: purchase
        points_per_yuan: 10
        tier_multiplier: {gold: 1.5}
        who: {tags: vip, r: {gte: 4}}
      - {id: hi, touchpoint: check_in, points: 5, first_time: true}
"""
LEVELS = "[{id: bronze, from_fen: 50000}, {id: gold, from_fen: 200000}]"
WHO = "{tags: vip, r: {gte: 4}}"
CASES = {
    "levels fall": ("200000", "50000", "tiers.levels[1].from_fen: must be more than"),
    "levels alike": ("id: bronze", "id: gold", "tiers.levels[1].id: 'gold' is used above"),
    "no levels": (LEVELS, "[]", "tiers.levels: is empty"),
    "window": ("hold_days: 90", "window: calendar_year\n      window_days: 9", "is for a rolling"),
    "long hold": ("grace_days: 30", "grace_days: 300", "tiers.grace_days: and hold_days may come"),
    "stages": ("active_days: 40", "active_days: 90", "lifecycle.silent_days: must be more than"),
    "new": ("active_days: 40", "new_days: 31", "lifecycle.new_days: must be at most active_days"),
    "borders fall": ("[2, 3, 5, 9]", "[2, 3, 9, 5]", "rfm.f[3]: must not be less than"),
    "few borders": ("[2, 3, 5, 9]", "[2, 3, 5]", "rfm.f: "),
    "tag of tags": ("{tier: gold}", "{tags: vip}", "tags[0].who.tags: is not for tags"),
    "no such level": ("{tier: gold}", "{tier: gould}", "who.tier: there is no level 'gould'"),
    "no such class": ("{tier: gold}", "{level: gold}", "who.level: there is no class 'level'"),
    "no such tag": (WHO, "{tags: {in: [vip, old]}}", "earn[0].who.tags.in: there is no tag 'old'"),
    "score": (WHO, "{r: 6}", "earn[0].who.r: '6' is no score"),
    "score in quotes": (WHO, '{r: "5"}', "earn[0].who.r: '5' is no score"),
    "scores": (WHO, "{rfm: '54'}", "earn[0].who.rfm: '54' is not three scores"),
    "rank of stages": (WHO, "{lifecycle: {gte: new}}", "lifecycle.gte: 'gte' does not work here"),
    "list": (WHO, "{tier: {in: gold}}", "who.tier.in: 'in' needs a list"),
    "one": (WHO, "{tier: [gold]}", "who.tier: 'eq' takes one value"),
    "no such multiple": ("{gold: 1.5}", "{gould: 1.5}", "tier_multiplier.gould: there is no level"),
    "first time": (
        "first_time: true", "first_time: true, tier_multiplier: {gold: 2}",
        "earn[1].tier_multiplier: does not work with 'first_time'",
    ),
}  # fmt: skip


def problems(text: str) -> list[str]:
    with pytest.raises(RulesInvalid) as caught:
        parse_rules(text, "f")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_reported_once_at_its_place(case: str) -> None:
    before, after, expected = CASES[case]
    assert before in BASE
    (found,) = problems(BASE.replace(before, after, 1))
    assert expected in found


@pytest.mark.parametrize(
    ("section", "who", "needs"),
    [
        ("tiers", "{tier: gold}", "tiers"),
        ("segments", "{lifecycle: new}", "segments.lifecycle"),
        ("segments", "{m: 5}", "segments.rfm"),
        ("tags", "{tags: vip}", "tags"),
    ],
)
def test_nobody_asks_for_what_the_version_does_not_have(section: str, who: str, needs: str) -> None:
    rules = f"""\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    earn: [{{id: hi, touchpoint: check_in, points: 5, who: {who}}}]
"""
    (found,) = problems(rules)
    assert f"asks for what this version does not have; add '{needs}'" in found


def test_what_is_written_is_what_the_engine_reads() -> None:
    book = parse_rules(BASE, "f")
    (version,) = book.versions
    policy = version.classes
    assert isinstance(policy, ClassPolicy)
    levels = Level("bronze", 50_000), Level("gold", 200_000)
    assert policy.tiers == Tiers(levels, 365, 90, 30, Downgrade.ONE_DOWN)
    assert policy.lifecycle == Lifecycle(30, 40, 90, 180)
    assert policy.rfm == Rfm((7, 30, 30, 90), (2, 3, 5, 9), (1, 2, 3, 100_000))
    assert policy.cooldown_ms == 24 * 3_600_000
    assert policy.tags[0].who == (Test("tier", frozenset({"gold"})),)
    till = version.rules["till"]
    assert till.who == (Test("tags", frozenset({"vip"})), Test("r", frozenset("45")))
    assert till.by_tier == {"gold": Fraction(3, 2)}
    again = load_book(dump_book(book))
    assert dump_book(again) == dump_book(book)
    assert [rule.id for rule in again.versions[0].judged] == [till.id]
    assert (again.classed, again.bought_days) == (True, 365 + 2 * 120)


@pytest.mark.parametrize(
    ("who", "test"),
    [
        ("{tier: {lt: gold}}", Test("tier", frozenset({"gold"}), negated=True)),
        ("{tier: {lte: bronze}}", Test("tier", frozenset({"gold"}), negated=True)),
        ("{tier: {gt: bronze}}", Test("tier", frozenset({"gold"}))),
        ("{f: {lt: 3}}", Test("f", frozenset("12"))),
        ("{f: {lte: 1}}", Test("f", frozenset("1"))),
        ("{tags: {ne: vip}}", Test("tags", frozenset({"vip"}), negated=True)),
        ("{lifecycle: {not_in: [new, lapsed]}}",
         Test("lifecycle", frozenset({"new", "lapsed"}), negated=True)),
    ],
)  # fmt: skip
def test_every_comparison_becomes_the_values_that_pass(who: str, test: Test) -> None:
    book = parse_rules(BASE.replace(WHO, who), "f")
    assert book.versions[0].rules["till"].who == (test,)


def test_a_calendar_year_has_no_days() -> None:
    book = parse_rules(BASE.replace("hold_days: 90", "window: calendar_year"), "f")
    policy = book.versions[0].classes
    assert policy is not None
    assert policy.tiers is not None
    assert policy.tiers.window_days == 0


def test_without_a_word_of_classes_there_are_none() -> None:
    book = load_rules(ROOT / "benchmarks/rules.yaml")
    assert (book.classed, book.bought_days, book.asking) == (False, 0, frozenset())
