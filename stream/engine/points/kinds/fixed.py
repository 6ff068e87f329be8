# SPDX-License-Identifier: Apache-2.0
"""Fixed points for each touch."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from stream.engine.model.facts import Fact
from stream.engine.model.ruleset import EarningRule, Rounding
from stream.engine.points.kinds.kind import Kind
from stream.engine.points.kinds.rounding import ONE, round_points


def _earn(rule: EarningRule, fact: Fact, multiplier: Fraction) -> int:
    points = rule.points or 0
    return points if multiplier is ONE else round_points(points * multiplier, Rounding.DOWN)


FIXED: Final = Kind("fixed", "points", fits=lambda rule: True, earn=_earn)
