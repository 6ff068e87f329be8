"""What one fact earns by the rules in force when it happened, before caps."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from stream.engine.facts import RANK_STEP, Fact
from stream.engine.ruleset import Condition, EarningRule, Fields, Op, Rate, Rounding, RuleSet
from stream.engine.touchpoints import Touchpoint

_TESTS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.IN: lambda value, allowed: value in allowed,
    Op.NOT_IN: lambda value, refused: value not in refused,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.PREFIX: lambda value, prefix: value.startswith(prefix),
}
_FEN_PER_YUAN = 100
_ONE = Fraction(1)


def is_void(fact: Fact) -> bool:
    """Whether nothing is left of the event: a reverted check-in, a fully refunded payment."""
    if not fact.rank % RANK_STEP:
        return False
    return fact.touchpoint != Touchpoint.PURCHASE or not fact.fields.get("total_fen")


def earn(rules: RuleSet | None, fact: Fact) -> list[tuple[str, int]]:
    """``(rule id, points)`` of every rule which grants the fact something."""
    if rules is None or is_void(fact):
        return []
    earned = []
    for rule in rules.by_touchpoint.get(fact.touchpoint, ()):
        if not rule.when or all(_holds(condition, fact.fields) for condition in rule.when):
            points = _points(rule, fact, rules)
            if points:
                earned.append((rule.id, points))
    return earned


def round_points(exact: Fraction, rounding: Rounding) -> int:
    """Whole points of a non-negative fraction."""
    if rounding is Rounding.DOWN:
        return exact.numerator // exact.denominator
    if rounding is Rounding.UP:
        return -(-exact.numerator // exact.denominator)
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _holds(condition: Condition, fields: Fields) -> bool:
    if condition.field not in fields:
        return condition.op in (Op.NE, Op.NOT_IN)
    return _TESTS[condition.op](fields[condition.field], condition.value)


def _points(rule: EarningRule, fact: Fact, rules: RuleSet) -> int:
    if rule.first_time:  # a campaign cannot make a first time more than one
        return rule.points or 0
    multiplier = _multiplier(rule, fact.time, rules) if rules.campaigns else _ONE
    if rule.rate is None:
        points = rule.points or 0
        return points if multiplier is _ONE else round_points(points * multiplier, Rounding.DOWN)
    return _rated(rule.rate, int(fact.fields.get(rule.rate.base, 0)), multiplier)


def _rated(rate: Rate, fen: int, multiplier: Fraction) -> int:
    per_yuan = rate.points_per_yuan
    if multiplier is _ONE and rate.rounding is Rounding.DOWN:  # usual; fractions are slow
        return per_yuan.numerator * fen // (per_yuan.denominator * _FEN_PER_YUAN)
    return round_points(per_yuan * fen / _FEN_PER_YUAN * multiplier, rate.rounding)


def _multiplier(rule: EarningRule, time: int, rules: RuleSet) -> Fraction:
    running = [
        campaign.multiplier
        for campaign in rules.campaigns
        if campaign.starts_ms <= time < campaign.ends_ms
        and (campaign.rules is None or rule.id in campaign.rules)
    ]
    return max(running, default=_ONE)
