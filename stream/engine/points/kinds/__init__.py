"""The kinds of earning rules: one file each, of one signature, and listed here.

A new kind is a file with a ``Kind``, and a line in ``KINDS``.
"""

from __future__ import annotations

from typing import Final

from stream.engine.model.ruleset import EarningRule
from stream.engine.points.kinds.first_time import FIRST_TIME
from stream.engine.points.kinds.fixed import FIXED
from stream.engine.points.kinds.kind import Kind
from stream.engine.points.kinds.rate import RATE

#: The first that fits is a rule's kind; the last fits every rule.
KINDS: Final[tuple[Kind, ...]] = (FIRST_TIME, RATE, FIXED)


def kind_of(rule: EarningRule) -> Kind:
    """How the rule earns."""
    for kind in KINDS:
        if kind.fits(rule):
            return kind
    raise LookupError(rule.id)
