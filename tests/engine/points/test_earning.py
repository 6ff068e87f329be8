# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from schemas.base import POINTS_MAX
from stream.engine.model.facts import Fact
from stream.engine.model.limits import POINTS_PER_TOUCH_MAX
from stream.engine.model.ruleset import (
    Campaign,
    Caps,
    Combine,
    Condition,
    EarningRule,
    Op,
    Rate,
    Rounding,
    RuleSet,
    Value,
)
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.earning import earn, is_void, paid_fen
from tests.engine.build import login, purchase
from tests.support.books import DAY, START

DOWN, HALF_UP, UP = Rounding.DOWN, Rounding.HALF_UP, Rounding.UP


def ruleset(*rules: EarningRule, campaigns: tuple[Campaign, ...] = ()) -> RuleSet:
    return RuleSet(1, START, {rule.id: rule for rule in rules}, campaigns)


def spend(rate: str, base: str = "payer_total_fen", rounding: Rounding = DOWN) -> EarningRule:
    return EarningRule("spend", Touchpoint.PURCHASE, rate=Rate(Fraction(rate), base, rounding))


def test_what_was_paid_is_of_purchases_and_of_what_the_payer_paid() -> None:
    fields: dict[str, Value] = {"total_fen": 1_000, "payer_total_fen": 900}
    coupon = msgspec.structs.replace(purchase(), fields=fields)
    ordered = msgspec.structs.replace(coupon, touchpoint=Touchpoint.ORDER)
    assert [*map(paid_fen, (coupon, ordered, login()))] == [900, 0, 0]


@pytest.mark.parametrize(
    ("rule", "fen", "points"),
    [
        (spend("1"), 99, 0),
        (spend("1"), 100, 1),
        (spend("12.5"), 2300, 287),
        (spend("12.5", rounding=HALF_UP), 2300, 288),
        (spend("0.1"), 1999, 1),
        (spend("0.000001"), 100, 0),
        (spend("0.000001", rounding=UP), 100, 1),
        (spend("10", "total_fen"), 150, 15),
        (spend("10", "absent_fen"), 150, 0),
    ],
)
def test_a_rate_is_exact_and_rounded_per_payment(rule: EarningRule, fen: int, points: int) -> None:
    assert sum(n for _, n in earn(ruleset(rule), purchase(fen=fen))) == points


def test_the_payer_total_is_what_counts_unless_the_rule_says_otherwise() -> None:
    fields: dict[str, Value] = {"total_fen": 2800, "payer_total_fen": 2300}
    fact = msgspec.structs.replace(purchase(), fields=fields)
    assert earn(ruleset(spend("1")), fact) == [("spend", 23)]
    assert earn(ruleset(spend("1", "total_fen")), fact) == [("spend", 28)]


@pytest.mark.parametrize(
    ("field", "op", "value", "holds"),
    [
        ("attach", Op.EQ, "store=1", True),
        ("attach", Op.EQ, "store=2", False),
        ("attach", Op.NE, "store=2", True),
        ("attach", Op.NE, "store=1", False),
        ("attach", Op.IN, ("store=1", "x"), True),
        ("attach", Op.IN, ("x",), False),
        ("attach", Op.NOT_IN, ("x",), True),
        ("attach", Op.NOT_IN, ("store=1",), False),
        ("attach", Op.PREFIX, "store=", True),
        ("attach", Op.PREFIX, "tore", False),
        ("total_fen", Op.LT, 1001, True),
        ("total_fen", Op.LT, 1000, False),
        ("total_fen", Op.LTE, 1000, True),
        ("total_fen", Op.LTE, 999, False),
        ("total_fen", Op.GT, 999, True),
        ("total_fen", Op.GT, 1000, False),
        ("total_fen", Op.GTE, 1000, True),
        ("total_fen", Op.GTE, 1001, False),
        ("device_id", Op.EQ, "till", False),
        ("device_id", Op.NE, "till", True),
        ("device_id", Op.IN, ("till",), False),
        ("device_id", Op.NOT_IN, ("till",), True),
        ("device_id", Op.PREFIX, "", False),
        ("absent_fen", Op.GTE, 0, False),
    ],
)
def test_conditions(field: str, op: Op, value: Value | tuple[Value, ...], holds: bool) -> None:
    fields: dict[str, Value] = {"total_fen": 1000, "payer_total_fen": 1000, "attach": "store=1"}
    fact = msgspec.structs.replace(purchase(), fields=fields)
    rule = EarningRule("r", Touchpoint.PURCHASE, points=1, when=(Condition(field, op, value),))
    assert earn(ruleset(rule), fact) == ([("r", 1)] if holds else [])


@pytest.mark.parametrize(
    ("tests", "holds"),
    [
        ({"category": (Op.EQ, "tea")}, True),
        ({"category": (Op.IN, ("coffee", "milk"))}, True),
        ({"category": (Op.EQ, "milk")}, False),
        ({"category": (Op.NE, "tea")}, True),  # there is a line of another
        ({"quantity": (Op.GTE, 2)}, True),
        ({"category": (Op.EQ, "tea"), "quantity": (Op.GTE, 2)}, False),  # not the same line
        ({"category": (Op.EQ, "coffee"), "quantity": (Op.GTE, 2)}, True),
        ({"sku_id": (Op.PREFIX, "l")}, False),
    ],
)
def test_one_line_meets_all_conditions_on_a_line(
    tests: dict[str, tuple[Op, Any]], holds: bool
) -> None:
    lines: list[dict[str, str | int]] = [
        {"category": "tea", "quantity": 1},
        {"category": "coffee", "quantity": 2},
    ]
    when = tuple(Condition(f"line.{name}", op, value) for name, (op, value) in tests.items())
    rule = EarningRule("r", Touchpoint.PURCHASE, points=1, when=when)
    fact = msgspec.structs.replace(purchase(), lines=lines)
    assert earn(ruleset(rule), fact) == ([("r", 1)] if holds else [])
    assert earn(ruleset(rule), purchase()) == []  # no lines, no line that meets it


def test_all_conditions_of_a_rule_must_hold_and_all_rules_may_earn() -> None:
    cheap = Condition("total_fen", Op.LT, 2000)
    dear = Condition("total_fen", Op.GTE, 2000)
    both = EarningRule("both", Touchpoint.PURCHASE, points=1, when=(cheap, dear))
    one = EarningRule("one", Touchpoint.PURCHASE, points=2, when=(cheap,))
    any_ = EarningRule("any", Touchpoint.PURCHASE, points=3)
    other = EarningRule("other", Touchpoint.LOGIN, points=4)
    assert earn(ruleset(both, one, any_, other), purchase()) == [("one", 2), ("any", 3)]


HAPPY_DAY = Campaign("happy", START, START + DAY, Fraction(5, 2))


@pytest.mark.parametrize(
    ("campaign", "time", "points"),
    [
        (HAPPY_DAY, START - 1, 10),
        (HAPPY_DAY, START, 25),
        (HAPPY_DAY, START + DAY - 1, 25),
        (HAPPY_DAY, START + DAY, 10),
        (replace(HAPPY_DAY, rules=frozenset({"spend"})), START, 25),
        (replace(HAPPY_DAY, rules=frozenset({"other"})), START, 10),
    ],
)
def test_a_campaign_multiplies_within_its_time(campaign: Campaign, time: int, points: int) -> None:
    rules = ruleset(spend("1"), campaigns=(campaign,))
    assert earn(rules, purchase(time=time)) == [("spend", points)]


def test_campaigns_with_caps_add_to_the_others_from_the_lowest_on() -> None:
    """The highest of all counts in the end, or the product."""
    fixed = EarningRule("r", Touchpoint.PURCHASE, points=5)
    plain, low, mid, high = (
        replace(HAPPY_DAY, id=f"x{n}", multiplier=Fraction(n), caps=caps)
        for n, caps in ((2, Caps()), (1, Caps(day=1)), (3, Caps(day=1)), (4, Caps(day=1)))
    )
    rules = ruleset(fixed, campaigns=(high, low, mid, plain))
    assert earn(rules, purchase()) == [("r", 10), ("r*x3", 5), ("r*x4", 5)]
    product = replace(rules, combine=Combine.PRODUCT)
    assert earn(product, purchase()) == [("r", 10), ("r*x3", 20), ("r*x4", 90)]
    assert earn(replace(product, campaigns=(mid,)), purchase()) == [("r", 5), ("r*x3", 10)]
    assert earn(rules, purchase(time=START + DAY)) == [("r", 5)]


def test_of_several_campaigns_the_highest_counts_even_below_one() -> None:
    double = replace(HAPPY_DAY, multiplier=Fraction(2))
    half = replace(HAPPY_DAY, multiplier=Fraction(1, 2))
    fixed = EarningRule("r", Touchpoint.PURCHASE, points=5)
    assert earn(ruleset(fixed, campaigns=(double, HAPPY_DAY, half)), purchase()) == [("r", 12)]
    assert earn(ruleset(fixed, campaigns=(half,)), purchase()) == [("r", 2)]


def test_a_first_time_is_never_multiplied() -> None:
    rule = EarningRule("welcome", Touchpoint.LOGIN, points=5, first_time=True)
    assert earn(ruleset(rule, campaigns=(HAPPY_DAY,)), login()) == [("welcome", 5)]


def test_nothing_is_earned_before_the_first_rules() -> None:
    assert earn(None, purchase()) == []


def _changed(fact: Fact, rank: int, total_fen: int) -> Fact:
    return msgspec.structs.replace(fact, rank=rank, fields={"total_fen": total_fen})


@pytest.mark.parametrize(
    ("fact", "void"),
    [
        (purchase(), False),
        (_changed(purchase(), 400, 600), False),
        (_changed(purchase(), 1000, 0), True),
        (_changed(purchase(), 0, 0), False),  # a gift, not a refund
        (login(), False),
        (msgspec.structs.replace(login(), touchpoint=Touchpoint.CHECK_IN, rank=1), True),
    ],
)
def test_what_is_void(fact: Fact, void: bool) -> None:
    assert is_void(fact) is void
    assert not (void and earn(ruleset(spend("1", rounding=UP)), fact))


def test_one_touch_earns_no_more_than_adds_up_below_what_every_reader_of_json_can_hold() -> None:
    largest = ruleset(spend("10000"), campaigns=(Campaign("c", START, START + DAY, Fraction(100)),))
    assert earn(largest, purchase(fen=10**12)) == [("spend", POINTS_PER_TOUCH_MAX)]
    assert POINTS_PER_TOUCH_MAX * 9_000_000 < POINTS_MAX
