# SPDX-License-Identifier: Apache-2.0
"""Compute the points that one fact earns before caps, and the amount the consumer paid."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

from schemas.order_lines import LINE
from stream.engine.model.facts import RANK_STEP, Fact
from stream.engine.model.fields import PAID
from stream.engine.model.limits import POINTS_PER_TOUCH_MAX
from stream.engine.model.ruleset import (
    BONUS,
    Campaign,
    Combine,
    Condition,
    EarningRule,
    Fields,
    Op,
    RuleSet,
)
from stream.engine.points.kinds import kind_of
from stream.engine.points.kinds.rounding import ONE

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


def is_void(fact: Fact) -> bool:
    """Whether nothing is left of the event: a reverted check-in, a fully refunded payment."""
    if not fact.rank % RANK_STEP:
        return False
    return fact.touchpoint not in PAID or not fact.fields.get("total_fen")


def paid_fen(fact: Fact) -> int:
    """What the consumer paid and did not get back, in fen; 0 where nothing is paid."""
    if fact.touchpoint not in PAID:
        return 0
    return int(fact.fields.get("payer_total_fen", 0))


def earn(rules: RuleSet | None, fact: Fact) -> list[tuple[str, int]]:
    """``(measure, points)`` of every rule, or step of one, for which the fact counts.

    What campaigns with limits add follows their rule, each by itself.
    """
    if rules is None or is_void(fact):
        return []
    earned = []
    for name, _, when, schedule, rule in rules.by_touchpoint.get(fact.touchpoint, ()):
        if when and not meets(when, fact):
            continue
        if schedule is not None and fact.time not in schedule:
            continue
        kind = kind_of(rule)
        multiplied = rules.campaigns and kind.multiplied
        before = 0
        for measure, multiplier in (
            _multipliers(rule, fact.time, rules) if multiplied else ((name, ONE),)
        ):
            points = min(kind.earn(rule, fact, multiplier), POINTS_PER_TOUCH_MAX)
            if points > before:
                earned.append((measure, points - before))
                before = points
    return earned


def meets(conditions: Sequence[Condition], fact: Fact) -> bool:
    """Whether a fact meets all conditions: those on a line by one line of it together."""
    on_line = [condition for condition in conditions if condition.field.startswith(LINE)]
    if not all(holds(c, fact.fields) for c in conditions if not c.field.startswith(LINE)):
        return False
    lines = ({LINE + name: value for name, value in line.items()} for line in fact.lines)
    return not on_line or any(all(holds(c, line) for c in on_line) for line in lines)


def holds(condition: Condition, fields: Fields) -> bool:
    """Whether an event with these fields meets a condition."""
    if condition.field not in fields:
        return condition.op in (Op.NE, Op.NOT_IN)
    return _TESTS[condition.op](fields[condition.field], condition.value)


def _multipliers(rule: EarningRule, time: int, rules: RuleSet) -> Iterator[tuple[str, Fraction]]:
    """What a rule is multiplied by without limits, and then with each campaign that has some.

    Those come by their multipliers, so that where the highest counts each adds to the one before.
    """
    combine = operator.mul if rules.combine is Combine.PRODUCT else max
    running = [campaign for campaign in rules.campaigns if _runs(campaign, rule, time)]
    plain = [campaign.multiplier for campaign in running if not campaign.is_limited]
    multiplier = reduce(combine, plain) if plain else ONE
    yield rule.id, multiplier
    for multiple, id_ in sorted((c.multiplier, c.id) for c in running if c.is_limited):
        multiplier = combine(multiplier, multiple)
        yield f"{rule.id}{BONUS}{id_}", multiplier


def _runs(campaign: Campaign, rule: EarningRule, time: int) -> bool:
    return (
        campaign.starts_ms <= time
        and (campaign.ends_ms is None or time < campaign.ends_ms)
        and (campaign.rules is None or rule.id in campaign.rules)
        and (campaign.schedule is None or time in campaign.schedule)
    )
