# SPDX-License-Identifier: Apache-2.0
"""What the settings of one earning rule say about its kind must fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stream.engine.model.fields import BASES
from stream.engine.points.kinds import KINDS
from stream.language import rule_messages as say
from stream.language.class_messages import NO_TIER_MULTIPLIER_WITH
from stream.language.message import both, either
from stream.language.yaml_messages import CHOICE
from stream.rules.model import KIND_SETTINGS, EarnEntry
from stream.yaml_config.problems import Finding

WITH_MONEY: Final = both(t.label for t in BASES)


def one_kind(rule: EarnEntry) -> Iterator[Finding]:
    """The settings of one kind of rule at most."""
    marked = [kind for kind in KINDS if kind.mark != "points" and getattr(rule, kind.mark)]
    for kind in marked[1:]:
        message = say.NOT_FOR_RULES_WITH(kind=marked[0].mark)
        yield Finding((kind.mark,), message, at_name=True)
    fitting = {name for kind in marked for name in kind.settings}
    for name in KIND_SETTINGS:
        if getattr(rule, name) is not None and name not in fitting:
            marks = [CHOICE(word=kind.mark) for kind in KINDS if name in kind.settings]
            yield Finding((name,), say.ONLY_WITH(kinds=either(marks)), at_name=True)


def touchpoint_or_steps(rule: EarnEntry) -> Iterator[Finding]:
    """A touchpoint with its conditions, or steps with theirs."""
    if not rule.steps:
        if rule.touchpoint is None:
            yield Finding(("touchpoint",), say.EARNS_BY_NOTHING())
        return
    for name in ("touchpoint", "when"):
        if name in rule.model_fields_set:
            yield Finding((name,), say.STANDS_BESIDE_STEPS(), at_name=True)
    if rule.points_per_yuan is not None:
        yield Finding(("points_per_yuan",), say.NO_RATE_WITH_STEPS(), at_name=True)


def counts_money(rule: EarnEntry) -> Iterator[Finding]:
    """``every_fen`` needs a touchpoint with an amount of money."""
    every_fen = getattr(rule, "every_fen", None)
    if every_fen is not None and rule.touchpoint is not None and rule.touchpoint not in BASES:
        message = say.NEEDS_MONEY(touchpoints=WITH_MONEY, instead="nth")
        yield Finding(("every_fen",), message, at_name=True)


def multiplies_points(rule: EarnEntry) -> Iterator[Finding]:
    """``tier_multiplier`` is for what each touch earns by itself."""
    marked = [kind for kind in KINDS if not kind.multiplied and getattr(rule, kind.mark)]
    if rule.tier_multiplier is not None and marked:
        message = NO_TIER_MULTIPLIER_WITH(kind=marked[0].mark)
        yield Finding(("tier_multiplier",), message, at_name=True)


def needs_no_more_than_there_are(rule: EarnEntry) -> Iterator[Finding]:
    """``needed`` is a number of steps."""
    needed = getattr(rule, "needed", None)
    if needed is not None and rule.steps and needed > len(rule.steps):
        yield Finding(("needed",), say.NEEDS_TOO_MANY(steps=len(rule.steps)))
