"""What has to fit together inside one earning rule: small functions with one signature."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from stream.engine.fields import BASES, FIELDS
from stream.engine.ruleset import Op
from stream.rules.model import EarnEntry
from stream.rules.problems import Finding, quoted, suggestion
from stream.rules.scalars import Operand

_LISTS = frozenset({Op.IN, Op.NOT_IN})
_ORDERINGS = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
_KINDS = {str: "text in quotes", int: "a whole number without quotes"}


def one_amount(rule: EarnEntry) -> Iterator[Finding]:
    """Exactly one of ``points`` and ``points_per_yuan``."""
    fixed, rate = rule.points is not None, rule.points_per_yuan is not None
    if fixed and rate:
        message = "stands beside 'points'; keep one of the two, or write two rules"
        yield Finding(("points_per_yuan",), message, at_name=True)
    elif not fixed and not rate:
        yield Finding((), "earns nothing; add 'points' or 'points_per_yuan'")


def first_time_is_fixed(rule: EarnEntry) -> Iterator[Finding]:
    """A first time earns a fixed amount, once."""
    if rule.first_time and rule.points_per_yuan is not None:
        message = "works only with 'points'; use 'points' instead of 'points_per_yuan'"
        yield Finding(("first_time",), message, at_name=True)


def rate_has_money(rule: EarnEntry) -> Iterator[Finding]:
    """A rate needs a touchpoint which carries an amount of money, and that amount."""
    if rule.points_per_yuan is None:
        for name in ("base", "rounding"):
            if getattr(rule, name) is not None:
                message = "belongs to 'points_per_yuan', which this rule does not use; remove it"
                yield Finding((name,), message, at_name=True)
        return
    bases = BASES.get(rule.touchpoint)
    if bases is None:
        with_money = " and ".join(t.label for t in BASES)
        message = f"needs an amount paid, which only {with_money} have; use 'points'"
        yield Finding(("points_per_yuan",), message, at_name=True)
    elif rule.base is not None and rule.base not in bases:
        message = f"{rule.touchpoint.label} has no {rule.base}; use {' or '.join(bases)}"
        yield Finding(("base",), message)


def caps_rise(rule: EarnEntry) -> Iterator[Finding]:
    """day <= month <= lifetime, as far as they are given."""
    known = [(n, cap) for n in ("day", "month", "lifetime") if (cap := getattr(rule.caps, n))]
    for (shorter, low), (longer, high) in pairwise(known):
        if high < low:
            message = f"is below the '{shorter}' cap of {low}; raise it or lower the other"
            yield Finding(("caps", longer), message)


def conditions_fit(rule: EarnEntry) -> Iterator[Finding]:
    """Each condition tests a field which the touchpoint has, by its own type."""
    fields = FIELDS[rule.touchpoint]
    for name, tests in rule.when.items():
        kind = fields.get(name)
        if kind is None:
            message = f"{rule.touchpoint.label} has no such field; {suggestion(name, fields)}"
            yield Finding(("when", name), message, at_name=True)
            continue
        for op, operand in tests.items():
            if message := _misfit(op, operand, kind):
                yield Finding(("when", name, op.value), message)


def _misfit(op: Op, operand: Operand, kind: type[str] | type[int]) -> str:
    """What is wrong with a test of a field of type ``kind``; empty when nothing is."""
    if op in _ORDERINGS and kind is not int:
        return f"'{op}' compares numbers, and this field is text; use eq, ne, in, not_in or prefix"
    if op is Op.PREFIX and kind is not str:
        return "'prefix' is for text, and this field is a number; use gte and lt"
    if op in _LISTS and not isinstance(operand, tuple):
        return f"'{op}' needs a list such as [a, b]"
    if op not in _LISTS and isinstance(operand, tuple):
        return f"'{op}' takes one value; for several use in: [a, b]"
    values = operand if isinstance(operand, tuple) else (operand,)
    for value in values:
        if type(value) is not kind:  # a bool is no whole number here
            return f"{quoted(value)} does not fit: this field is compared with {_KINDS[kind]}"
    return ""
