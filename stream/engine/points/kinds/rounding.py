# SPDX-License-Identifier: Apache-2.0
"""Whole points of fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from stream.engine.model.ruleset import Rounding

ONE: Final = Fraction(1)


def round_points(exact: Fraction, rounding: Rounding) -> int:
    """Whole points of a non-negative fraction."""
    if rounding is Rounding.DOWN:
        return exact.numerator // exact.denominator
    if rounding is Rounding.UP:
        return -(-exact.numerator // exact.denominator)
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
