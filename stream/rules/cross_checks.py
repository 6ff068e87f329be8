# SPDX-License-Identifier: Apache-2.0
"""Check across the entries of a rule file: unique ids, ascending versions, existing references.

Reads the plain tree and skips values of the wrong type: those are reported elsewhere, and must not
hide these findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from pydantic_core import PydanticCustomError

from stream.engine.model.touchpoints import UNREWARDABLE
from stream.language import rule_messages as say
from stream.rules.tree import rules_and_steps
from stream.yaml_config.entries import entries, ids_differ, list_of
from stream.yaml_config.problems import Finding, Loc, shown, suggestion
from stream.yaml_config.value_types import parse_moment, start_ms

_FORBIDDEN = frozenset(t.label for t in UNREWARDABLE)


def between_entries(tree: object) -> Iterator[Finding]:
    """All findings about entries that contradict each other."""
    yield from _versions_ascend(tree)
    for at, version in entries(tree, "versions"):
        yield from ids_differ(version, "earn", "id", at)
        yield from ids_differ(version, "offers", "id", at)
        yield from ids_differ(version, "campaigns", "id", at)
        yield from ids_differ(version, "groups", "id", at)
        yield from _rules_are_known(version, "campaigns", at)
        yield from _rules_are_known(version, "groups", at)
        yield from _in_one_group(version, at)
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
                yield Finding((*at, "version"), say.NUMBER_FALLS(last=last_number))
            last_number = max(number, last_number)
        try:
            start = parse_moment(version.get("effective"))
        except PydanticCustomError:
            continue
        if last and start_ms(start) <= start_ms(last):
            yield Finding((*at, "effective"), say.BEGINS_TOO_EARLY(last=last.isoformat()))
        last = start if not last else max(start, last, key=start_ms)


def _rules_are_known(version: Mapping[str, object], owners: str, at: Loc) -> Iterator[Finding]:
    known = {id_ for _, rule in entries(version, "earn") if isinstance(id_ := rule.get("id"), str)}
    for loc, owner in entries(version, owners, at):
        for i, name in enumerate(list_of(owner, "rules")):
            if isinstance(name, str) and name not in known:
                message = say.NO_SUCH_RULE(name=shown(name), known=suggestion(name, known))
                yield Finding((*loc, "rules", i), message)


def _in_one_group(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    seen: set[str] = set()
    for loc, group in entries(version, "groups", at):
        for i, name in enumerate(list_of(group, "rules")):
            if isinstance(name, str) and name in seen:
                yield Finding((*loc, "rules", i), say.IN_A_GROUP_ALREADY(name=shown(name)))
            seen |= {name} if isinstance(name, str) else set()


def _rewards_are_allowed(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    allowed = {name for name in list_of(version, "allow_rewarding") if isinstance(name, str)}
    for loc, rule in rules_and_steps(version, at):
        label = rule.get("touchpoint")
        if isinstance(label, str) and label in _FORBIDDEN - allowed:
            yield Finding((*loc, "touchpoint"), say.FORBIDDEN_BY_WECHAT(touchpoint=label))
    for i, name in enumerate(list_of(version, "allow_rewarding")):
        if isinstance(name, str) and name not in _FORBIDDEN:
            known = suggestion(name, _FORBIDDEN)
            message = say.NEEDS_NO_PERMISSION(touchpoint=shown(name), known=known)
            yield Finding((*at, "allow_rewarding", i), message)


def _pending_before_expired(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    expiry = version.get("expiry_days")
    if not _is_number(expiry):
        return
    for loc, rule in entries(version, "earn", at):
        pending = rule.get("pending_days")
        if _is_number(pending) and pending >= expiry:
            yield Finding((*loc, "pending_days"), say.PENDING_UNTIL_EXPIRED(expiry=expiry))


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _steps_rise(block: object, at: Loc) -> Iterator[Finding]:
    last = 0
    for loc, step in entries(block, "benefits", at):
        points = step.get("from_points")
        if _is_number(points):
            if points <= last:
                yield Finding((*loc, "from_points"), say.STEPS_FALL(last=last))
            last = max(points, last)
