"""Check across the entries of a rule file: unique ids, ascending versions, existing references.

Reads the plain tree and skips values of the wrong type: those are reported elsewhere, and must not
hide these findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from pydantic_core import PydanticCustomError

from stream.engine.model.touchpoints import UNREWARDABLE
from stream.yaml_config.entries import entries, ids_differ, list_of
from stream.yaml_config.problems import Finding, Loc, quoted, suggestion
from stream.yaml_config.value_types import parse_moment, start_ms

_FORBIDDEN = frozenset(t.label for t in UNREWARDABLE)


def between_entries(tree: object) -> Iterator[Finding]:
    """All findings about entries that contradict each other."""
    yield from _versions_ascend(tree)
    for at, version in entries(tree, "versions"):
        yield from ids_differ(version, "earn", "id", at)
        yield from ids_differ(version, "offers", "id", at)
        yield from ids_differ(version, "campaigns", "id", at)
        yield from _campaigns_name_rules(version, at)
        yield from _rewards_are_allowed(version, at)
        yield from _pending_before_expired(version, at)
        for loc, block in entries(version, "offers", at):
            yield from ids_differ(block, "benefits", "id", loc)
            yield from _steps_rise(block, loc)


def _versions_ascend(tree: object) -> Iterator[Finding]:
    last_number, last = 0, None
    for at, version in entries(tree, "versions"):
        number = version.get("version")
        if _is_number(number):
            if number <= last_number:
                message = f"must be more than the version before, {last_number}; oldest come first"
                yield Finding((*at, "version"), message)
            last_number = max(number, last_number)
        try:
            start = parse_moment(version.get("effective"))
        except PydanticCustomError:
            continue
        if last and start_ms(start) <= start_ms(last):
            message = f"must be after the version before, which starts on {last.isoformat()}"
            yield Finding((*at, "effective"), message)
        last = start if not last else max(start, last, key=start_ms)


def _campaigns_name_rules(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    known = {id_ for _, rule in entries(version, "earn") if isinstance(id_ := rule.get("id"), str)}
    for loc, campaign in entries(version, "campaigns", at):
        for i, name in enumerate(list_of(campaign, "rules")):
            if isinstance(name, str) and name not in known:
                message = f"this version has no rule {quoted(name)}; {suggestion(name, known)}"
                yield Finding((*loc, "rules", i), message)


def _rewards_are_allowed(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    allowed = {name for name in list_of(version, "allow_rewarding") if isinstance(name, str)}
    for loc, rule in _rewarding(version, at):
        label = rule.get("touchpoint")
        if isinstance(label, str) and label in _FORBIDDEN - allowed:
            message = (
                f"WeChat forbids rewarding a {label}; remove the rule (a {label} may trigger"
                f" offers), or answer for it with allow_rewarding: [{label}]"
            )
            yield Finding((*loc, "touchpoint"), message)
    for i, name in enumerate(list_of(version, "allow_rewarding")):
        if isinstance(name, str) and name not in _FORBIDDEN:
            message = f"{quoted(name)} needs no permission; {suggestion(name, _FORBIDDEN)}"
            yield Finding((*at, "allow_rewarding", i), message)


def _rewarding(
    version: Mapping[str, object], at: Loc
) -> Iterator[tuple[Loc, Mapping[str, object]]]:
    """All that names what earns: rules, and steps of rules."""
    for loc, rule in entries(version, "earn", at):
        yield loc, rule
        yield from entries(rule, "steps", loc)


def _pending_before_expired(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    expiry = version.get("expiry_days")
    if not _is_number(expiry):
        return
    for loc, rule in entries(version, "earn", at):
        pending = rule.get("pending_days")
        if _is_number(pending) and pending >= expiry:
            message = (
                f"must be less than expiry_days, {expiry}: the points would expire before"
                " they could be paid; lower it, or raise expiry_days"
            )
            yield Finding((*loc, "pending_days"), message)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _steps_rise(block: object, at: Loc) -> Iterator[Finding]:
    last = 0
    for loc, step in entries(block, "benefits", at):
        points = step.get("from_points")
        if _is_number(points):
            if points <= last:
                message = f"must be more than the step before, {last}; smallest come first"
                yield Finding((*loc, "from_points"), message)
            last = max(points, last)
