# SPDX-License-Identifier: Apache-2.0
"""The kinds of earning rules: one file each, of one signature, and listed here.

A new kind is a file with a ``Kind``, and a line in ``KINDS``.
"""

from __future__ import annotations

from typing import Final

from stream.engine.model.ruleset import STEP, EarningRule, RuleSet
from stream.engine.points.kinds.challenge import CHALLENGE
from stream.engine.points.kinds.first_time import FIRST_TIME
from stream.engine.points.kinds.fixed import FIXED
from stream.engine.points.kinds.kind import Kind
from stream.engine.points.kinds.milestone import EVERY_FEN, NTH
from stream.engine.points.kinds.rate import RATE
from stream.engine.points.kinds.streak import STREAK_DAYS, STREAK_WEEKS

#: The first that fits is a rule's kind; the last fits every rule.
KINDS: Final[tuple[Kind, ...]] = (
    FIRST_TIME,
    NTH,
    EVERY_FEN,
    STREAK_DAYS,
    STREAK_WEEKS,
    CHALLENGE,
    RATE,
    FIXED,
)


def kind_of(rule: EarningRule) -> Kind:
    """How the rule earns."""
    known: Kind | None = rule.kind
    if known is None:
        known = next(kind for kind in KINDS if kind.fits(rule))
        object.__setattr__(rule, "kind", known)  # it never changes, and is asked for each touch
    return known


def remembered_by(measure: str, rules: RuleSet | None) -> EarningRule | None:
    """The rule with a memory that a measure is of: a touch has no points by it, but counts.

    ``None`` for any other rule.
    """
    rule = rules.rules.get(measure.partition(STEP)[0]) if rules else None
    return None if rule is None or kind_of(rule).memory is None else rule
