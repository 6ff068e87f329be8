# SPDX-License-Identifier: Apache-2.0
"""Rule kind ``rate``: points per yuan of an amount, rounded once per touch."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from stream.engine.model.facts import Fact
from stream.engine.model.ruleset import EarningRule, Rounding
from stream.engine.points.kinds.kind import Kind
from stream.engine.points.kinds.rounding import ONE, round_points

_FEN_PER_YUAN: Final = 100


def _earn(rule: EarningRule, fact: Fact, multiplier: Fraction) -> int:
    rate = rule.rate
    assert rate is not None
    fen, per_yuan = int(fact.fields.get(rate.base, 0)), rate.points_per_yuan
    if multiplier is ONE and rate.rounding is Rounding.DOWN:  # usual; fractions are slow
        return per_yuan.numerator * fen // (per_yuan.denominator * _FEN_PER_YUAN)
    return round_points(per_yuan * fen / _FEN_PER_YUAN * multiplier, rate.rounding)


RATE: Final = Kind("rate", "points_per_yuan", fits=lambda rule: rule.rate is not None, earn=_earn)
