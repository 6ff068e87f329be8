# SPDX-License-Identifier: Apache-2.0
"""What a version says of classes of consumers fits together, and rules ask for what there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from stream.engine.model.classes import BEST, SCORES, Stage
from stream.engine.model.ruleset import Op
from stream.language import class_messages as say
from stream.language import rule_messages
from stream.language.message import Message, Said
from stream.rules.class_model import (
    HOLD_DAYS_MAX,
    LifecycleEntry,
    RfmEntry,
    TiersEntry,
    Who,
)
from stream.yaml_config.entries import entries, ids_differ
from stream.yaml_config.problems import Finding, Loc, shown, suggestion
from stream.yaml_config.value_types import Operand

_WHO: Final[TypeAdapter[Who]] = TypeAdapter(Who)
_LISTS: Final = frozenset({Op.IN, Op.NOT_IN})
_ORDERINGS: Final = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
_ORDERED: Final = frozenset({"tier", *SCORES})
#: What may be asked, and the section that a version needs for it.
_NEEDS: Final = {
    "tier": "tiers",
    "lifecycle": "segments.lifecycle",
    **dict.fromkeys(("rfm", *SCORES), "segments.rfm"),
    "tags": "tags",
}
_UNKNOWN: Final[Mapping[str, Message]] = {
    "tier": say.NO_LEVEL,
    "lifecycle": say.NO_STAGE,
    "tags": say.NO_TAG,
}


def findings_about_classes(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    """All findings about classes in one version, a plain tree."""
    tiers = version.get("tiers")
    yield from ids_differ(tiers, "levels", "id", (*at, "tiers"))
    yield from ids_differ(version, "tags", "id", at)
    yield from _about(TiersEntry, tiers, _tiers_fit, (*at, "tiers"))
    segments = version.get("segments")
    if isinstance(segments, dict):
        within = (*at, "segments")
        for name, model, check in (
            ("lifecycle", LifecycleEntry, _stages_follow),
            ("rfm", RfmEntry, _borders_rise),
        ):
            yield from _about(model, segments.get(name), check, (*within, name))
    known = _known(version)
    for loc, tag in entries(version, "tags", at):
        fewer = {name: values for name, values in known.items() if name != "tags"}
        yield from _asks(tag.get("who"), fewer, (*loc, "who"))
    for loc, rule in entries(version, "earn", at):
        yield from _asks(rule.get("who"), known, (*loc, "who"))
        yield from _multiplies_levels(rule, known, loc)
    for loc, block in entries(version, "offers", at):
        yield from _asks(block.get("who"), known, (*loc, "who"))


def _about(model: Any, entry: object, check: Any, at: Loc) -> Iterator[Finding]:
    """The findings of a check about an entry that is valid by itself; else others are told."""
    if entry is None:
        return
    try:
        valid = model.model_validate(entry)
    except ValidationError:
        return
    for finding in check(valid):
        yield finding._replace(loc=(*at, *finding.loc))


def _tiers_fit(tiers: TiersEntry) -> Iterator[Finding]:
    for i, (lower, upper) in enumerate(pairwise(tiers.levels), 1):
        if upper.from_fen <= lower.from_fen:
            yield Finding(("levels", i, "from_fen"), say.LEVELS_FALL(last=lower.from_fen))
    if tiers.window_days is not None and tiers.window != "rolling":
        yield Finding(("window_days",), say.WINDOW_DOES_NOT_ROLL(), at_name=True)
    if tiers.hold_days + tiers.grace_days > HOLD_DAYS_MAX:
        yield Finding(("grace_days",), say.HELD_TOO_LONG(most=HOLD_DAYS_MAX))


def _stages_follow(lifecycle: LifecycleEntry) -> Iterator[Finding]:
    named = [(n, getattr(lifecycle, n)) for n in ("active_days", "silent_days", "lapsed_days")]
    for (earlier, less), (later, more) in pairwise(named):
        if more <= less:
            yield Finding((later,), say.STAGES_FALL(earlier=earlier, less=less))
    if lifecycle.new_days > lifecycle.active_days:
        yield Finding(("new_days",), say.NEW_FOR_TOO_LONG(most=lifecycle.active_days))


def _borders_rise(rfm: RfmEntry) -> Iterator[Finding]:
    for score in SCORES:
        for i, (lower, upper) in enumerate(pairwise(getattr(rfm, score)), 1):
            if upper < lower:
                yield Finding((score, i), say.BORDERS_FALL(last=lower))


def _known(version: Mapping[str, object]) -> dict[str, list[str]]:
    """What rules and tags may ask for, and all its values in rising order."""
    known: dict[str, list[str]] = {}
    if isinstance(tiers := version.get("tiers"), dict):
        known["tier"] = _ids(tiers, "levels")
    segments = version.get("segments")
    if isinstance(segments, dict):
        if "lifecycle" in segments:
            known["lifecycle"] = [stage.value for stage in Stage]
        if "rfm" in segments:
            scores = [str(score) for score in range(1, BEST + 1)]
            known |= dict.fromkeys(SCORES, scores)
            known["rfm"] = [f"{r}{f}{m}" for r in scores for f in scores for m in scores]
    if "tags" in version:
        known["tags"] = _ids(version, "tags")
    return known


def _ids(owner: object, name: str) -> list[str]:
    return [id_ for _, entry in entries(owner, name) if isinstance(id_ := entry.get("id"), str)]


def _asks(who: object, known: Mapping[str, list[str]], at: Loc) -> Iterator[Finding]:
    """Each test asks for something that there is, with a value that it may have."""
    if who is None:
        return
    try:
        tests = _WHO.validate_python(who)
    except ValidationError:
        return
    for key, by_op in tests.items():
        if key not in _NEEDS:
            message = say.NO_SUCH_CLASS(name=shown(key), known=suggestion(key, _NEEDS))
            yield Finding((*at, key), message, at_name=True)
        elif key not in known:
            message = say.CLASS_NOT_DEFINED(section=_NEEDS[key])
            if key == "tags" and "tags" in at:
                message = say.TAGS_OF_TAGS()
            yield Finding((*at, key), message, at_name=True)
        else:
            for op, operand in by_op.items():
                if misfit := _misfit(key, op, operand, known[key]):
                    yield Finding((*at, key, op.value), misfit)


def _misfit(key: str, op: Op, operand: Operand, known: list[str]) -> Said | None:
    """Why a test of a class does not fit; ``None`` if it does."""
    if op is Op.PREFIX or (op in _ORDERINGS and key not in _ORDERED):
        return say.OP_NOT_FOR_CLASSES(op=op.value)
    if op in _LISTS and not isinstance(operand, tuple):
        return rule_messages.NEEDS_A_LIST(op=op.value)
    if op not in _LISTS and isinstance(operand, tuple):
        return rule_messages.TAKES_ONE_VALUE(op=op.value)
    for value in operand if isinstance(operand, tuple) else (operand,):
        right = int if key in SCORES else str
        if type(value) is not right or (known and str(value) not in known):
            if key in SCORES:
                return say.NO_SCORE(given=shown(value), best=BEST)
            if key == "rfm":
                return say.NO_SCORES(given=shown(value), best=BEST)
            return _UNKNOWN[key](given=shown(value), known=suggestion(str(value), known))
    return None


def _multiplies_levels(
    rule: Mapping[str, object], known: Mapping[str, list[str]], at: Loc
) -> Iterator[Finding]:
    by_tier = rule.get("tier_multiplier")
    for level in by_tier if isinstance(by_tier, dict) else ():
        if "tier" not in known:
            yield Finding((*at, "tier_multiplier"), say.MULTIPLIES_NO_LEVELS(), at_name=True)
            return
        if known["tier"] and level not in known["tier"]:
            unknown = suggestion(str(level), known["tier"])
            message = say.NO_LEVEL(given=shown(level), known=unknown)
            yield Finding((*at, "tier_multiplier", level), message, at_name=True)
