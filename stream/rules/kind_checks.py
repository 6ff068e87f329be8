"""What the settings of one earning rule say about its kind must fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.engine.model.fields import BASES
from stream.engine.points.kinds import KINDS
from stream.rules.model import KIND_SETTINGS, EarnEntry
from stream.yaml_config.problems import Finding

WITH_MONEY: Final = " and ".join(t.label for t in BASES)


def one_kind(rule: EarnEntry) -> Iterator[Finding]:
    """The settings of one kind of rule at most."""
    marked = [kind for kind in KINDS if kind.mark != "points" and getattr(rule, kind.mark)]
    for kind in marked[1:]:
        message = f"is not for rules with '{marked[0].mark}'; write two rules"
        yield Finding((kind.mark,), message, at_name=True)
    fitting = {name for kind in marked for name in kind.settings}
    for name in KIND_SETTINGS:
        if getattr(rule, name) is not None and name not in fitting:
            marks = [f"'{kind.mark}'" for kind in KINDS if name in kind.settings]
            message = f"belongs to {' or '.join(marks)}, which this rule does not use; remove it"
            yield Finding((name,), message, at_name=True)


def touchpoint_or_steps(rule: EarnEntry) -> Iterator[Finding]:
    """A touchpoint with its conditions, or steps with theirs."""
    if not rule.steps:
        if rule.touchpoint is None:
            yield Finding(("touchpoint",), "is missing; name what earns, or give 'steps'")
        return
    for name in ("touchpoint", "when"):
        if getattr(rule, name):
            message = "stands beside 'steps', each of which has its own; remove it here"
            yield Finding((name,), message, at_name=True)
    if rule.points_per_yuan is not None:
        message = "does not work with 'steps'; use 'points'"
        yield Finding(("points_per_yuan",), message, at_name=True)


def counts_money(rule: EarnEntry) -> Iterator[Finding]:
    """``every_fen`` needs a touchpoint with an amount of money."""
    every_fen = getattr(rule, "every_fen", None)
    if every_fen is not None and rule.touchpoint is not None and rule.touchpoint not in BASES:
        message = f"needs an amount paid, which only {WITH_MONEY} have; use 'nth'"
        yield Finding(("every_fen",), message, at_name=True)


def multiplies_points(rule: EarnEntry) -> Iterator[Finding]:
    """``tier_multiplier`` is for what each touch earns by itself."""
    marked = [kind for kind in KINDS if not kind.multiplied and getattr(rule, kind.mark)]
    if rule.tier_multiplier is not None and marked:
        message = f"does not work with '{marked[0].mark}'; write a rule for each level with 'who'"
        yield Finding(("tier_multiplier",), message, at_name=True)


def needs_no_more_than_there_are(rule: EarnEntry) -> Iterator[Finding]:
    """``needed`` is a number of steps."""
    needed = getattr(rule, "needed", None)
    if needed is not None and rule.steps and needed > len(rule.steps):
        message = f"is more than the {len(rule.steps)} steps that there are; lower it"
        yield Finding(("needed",), message)
