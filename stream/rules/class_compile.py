# SPDX-License-Identifier: Apache-2.0
"""Compile what a version says of classes of consumers to what the engine reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stream.engine.model.classes import (
    BEST,
    SCORES,
    ClassPolicy,
    Lifecycle,
    Rfm,
    Tag,
    Test,
    Tiers,
)
from stream.engine.model.classes import Level as PlainLevel
from stream.engine.model.classes import Who as Tested
from stream.engine.model.ruleset import Op
from stream.rules.class_model import SegmentsEntry, TagEntry, TiersEntry, Who
from stream.yaml_config.value_types import Operand

_HOUR_MS = 3_600_000
_DAYS = 365


def compile_classes(
    tiers: TiersEntry | None, segments: SegmentsEntry | None, tags: Sequence[TagEntry]
) -> ClassPolicy | None:
    """The classes of a version; ``None`` if it knows none."""
    if tiers is None and segments is None and not tags:
        return None
    segments = segments or SegmentsEntry()
    return ClassPolicy(
        tiers=_tiers(tiers) if tiers else None,
        lifecycle=Lifecycle(**dict(segments.lifecycle)) if segments.lifecycle else None,
        rfm=Rfm(**dict(segments.rfm)) if segments.rfm else None,
        tags=tuple(Tag(tag.id, compile_who(tag.who, tiers)) for tag in tags),
        cooldown_ms=segments.cooldown_hours * _HOUR_MS,
    )


def compile_who(who: Who, tiers: TiersEntry | None) -> Tested:
    """Tests by the values that pass, whatever the operation."""
    asked = [(key, *test) for key, tests in who.items() for test in tests.items()]
    return tuple(_test(key, op, operand, tiers) for key, op, operand in asked)


def _tiers(entry: TiersEntry) -> Tiers:
    rolling = entry.window == "rolling"
    return Tiers(
        tuple(PlainLevel(level.id, level.from_fen) for level in entry.levels),
        window_days=(entry.window_days or _DAYS) if rolling else 0,
        hold_days=entry.hold_days,
        grace_days=entry.grace_days,
        downgrade=entry.downgrade,
    )


def _test(key: str, op: Op, operand: Operand, tiers: TiersEntry | None) -> Test:
    values = [str(value) for value in (operand if isinstance(operand, tuple) else (operand,))]
    if op in (Op.EQ, Op.IN, Op.NE, Op.NOT_IN):
        return Test(key, frozenset(values), negated=op in (Op.NE, Op.NOT_IN))
    levels = [level.id for level in tiers.levels] if tiers else []
    rising = [str(score) for score in range(1, BEST + 1)] if key in SCORES else levels
    place = rising.index(values[0])
    from_there = rising[place + (op in (Op.GT, Op.LTE)) :]
    if op in (Op.GT, Op.GTE):
        return Test(key, frozenset(from_there))
    if key in SCORES:  # who has no scores is not below one
        return Test(key, frozenset(rising) - frozenset(from_there))
    return Test(key, frozenset(from_there), negated=True)
