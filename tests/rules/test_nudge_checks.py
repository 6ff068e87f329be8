# SPDX-License-Identifier: Apache-2.0
"""What a rule file says of nudges is checked, each problem at its place, and compiled."""

from __future__ import annotations

import pytest

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.rule_versions import dump_book, load_book
from stream.engine.model.schedule import Span
from stream.engine.model.touchpoints import Touchpoint as T
from stream.language.message import Language, speaking
from stream.rules.loader import judge_rules, parse_rules
from stream.yaml_config.problems import RulesInvalid

BASE = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_in
    earn: [{id: till, touchpoint: purchase, points_per_yuan: 10}]
    nudge_limits: {quiet_hours: 21:30-08:30, most: 2, per_days: 7}
    nudges:
      - id: cart
        after: add_to_cart
        wait: {hours: 2}
        unless: [order, purchase]
        expires_hours: 24
      - id: feedback
        after: purchase
        wait: {days: 3, at: "10:00"}
        anchor: each
        once_per_days: 30
      - {id: ending, before_offer_ends_hours: 48}
    offers:
      - id: welcome
        threshold_points: 1000
        triggers: [follow]
        lifetime: {days: 7}
        cooldown_hours: 24
        text: {zh-CN: "{points}", en: "{points}"}
        short_text: {zh-CN: "{points}", en: "{points}"}
"""
WAIT = "        wait: {hours: 2}\n"
LIMITS = "most: 2, per_days: 7"
OFFERS = BASE[BASE.index("    offers:") :]
CASES = {
    "same id": ("id: feedback", "id: cart", "nudges[1].id: 'cart' is used above"),
    "nothing": ("        after: add_to_cart\n", "", "nudges[0]: follows nothing"),
    "no wait": (WAIT, "", "nudges[0].wait: is missing"),
    "two waits": ("{hours: 2}", "{hours: 2, days: 1}", "[0].wait: needs either 'hours' or 'days'"),
    "empty wait": ("{hours: 2}", "{}", "[0].wait: needs either 'hours' or 'days'"),
    "clock": ("{hours: 2}", '{hours: 2, at: "10:00"}', "[0].wait.at: belongs to 'days'"),
    "no clock": ('"10:00"', "ten", "[1].wait.at: must be a time such as 10:00"),
    "not on the clock": ('"10:00"', '"24:00"', "[1].wait.at: '24:00' is not on the clock"),
    "offer and wait": ("_ends_hours: 48", "_ends_hours: 48, wait: {days: 1}", "[2].wait: does"),
    "no offers": (OFFERS, "", "[2].before_offer_ends_hours: needs offers"),
    "no most": (LIMITS, "per_days: 7", "nudge_limits.per_days: says in how many days"),
    "quiet": ("21:30-08:30", "night", "nudge_limits.quiet_hours: must be hours such as"),
    "anchor": ("anchor: each", "anchor: first", "[1].anchor: must be one of 'latest' or 'each'"),
    "touchpoint": ("add_to_cart", "cart", "[0].after: there is no touchpoint 'cart'"),
}  # fmt: skip


def test_nudges_become_what_the_engine_reads() -> None:
    book = parse_rules(BASE, "r.yaml")
    assert book.versions[0].nudges == NudgePolicy(
        (
            Nudge(
                "cart",
                frozenset({T.ADD_TO_CART}),
                frozenset({T.ORDER, T.PURCHASE}),
                2 * 3_600_000,
                expires_ms=DAY_MS,
            ),
            Nudge(
                "feedback",
                frozenset({T.PURCHASE}),
                wait_ms=3 * DAY_MS,
                at_minute=600,
                each=True,
                expires_ms=2 * DAY_MS,
                once_per_ms=30 * DAY_MS,
            ),
            Nudge("ending", wait_ms=2 * DAY_MS, expires_ms=0),
        ),
        quiet=Span(1_290, 1_950),
        most=2,
        per_days=7,
    )
    assert load_book(dump_book(book)) == book
    assert judge_rules(BASE, "r.yaml").warnings == ()


@pytest.mark.parametrize(("old", "new", "said"), CASES.values(), ids=CASES)
def test_a_problem_is_told_at_its_place(old: str, new: str, said: str) -> None:
    assert BASE.count(old) == 1
    with pytest.raises(RulesInvalid) as error:
        parse_rules(BASE.replace(old, new), "r.yaml")
    (problem,) = error.value.problems
    assert said in str(problem)
    with speaking(Language.ZH):
        assert not str(problem.message).isascii()


def test_each_beside_unless_the_same_is_a_warning() -> None:
    text = BASE.replace("anchor: each", "anchor: each\n        unless: purchase")
    (warning,) = judge_rules(text, "r.yaml").warnings
    assert "nudges[1].anchor: changes nothing" in str(warning)


def test_limits_without_nudges_are_a_warning() -> None:
    start, end = BASE.index("    nudges:"), BASE.index("    offers:")
    (warning,) = judge_rules(BASE[:start] + BASE[end:], "r.yaml").warnings
    assert "nudge_limits: limits nothing" in str(warning)
