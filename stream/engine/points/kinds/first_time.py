# SPDX-License-Identifier: Apache-2.0
"""Rule kind ``first_time``: fixed points once per consumer; campaigns do not multiply them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from stream.engine.model.facts import Fact
from stream.engine.model.ruleset import EarningRule
from stream.engine.points.kinds.kind import Before, Kind


def _earn(rule: EarningRule, fact: Fact, multiplier: Fraction) -> int:
    return rule.points or 0


def _grant(rule: EarningRule, points: int, before: Before) -> int:
    return 0 if before.lifetime else min(points, rule.points or 0)


FIRST_TIME: Final = Kind(
    "first_time",
    mark="first_time",
    fits=lambda rule: rule.first_time,
    earn=_earn,
    grant=_grant,
    multiplied=False,
    once=True,
)
