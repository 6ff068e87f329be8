"""What has to fit together between the entries of a rule file.

Reads the plain tree, past whatever is not of its kind: that is reported elsewhere, and must not
hide these findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic_core import PydanticCustomError

from stream.engine.touchpoints import UNREWARDABLE
from stream.rules.problems import Finding, Loc, quoted, suggestion
from stream.rules.scalars import parse_date

_FORBIDDEN = frozenset(t.label for t in UNREWARDABLE)


def entries(owner: object, name: str, at: Loc = ()) -> Iterator[tuple[Loc, Mapping[str, object]]]:
    """The mappings in the list ``name`` of ``owner`` (which stands at ``at``), with their place."""
    for i, item in enumerate(_list(owner, name)):
        if isinstance(item, dict):
            yield (*at, name, i), item


def between_entries(tree: object) -> Iterator[Finding]:
    """All findings about entries which contradict each other."""
    yield from _versions_ascend(tree)
    for at, version in entries(tree, "versions"):
        offers = version.get("offers")
        yield from ids_differ(version, "earn", "id", at)
        yield from ids_differ(version, "campaigns", "id", at)
        yield from ids_differ(offers, "benefits", "id", (*at, "offers"))
        yield from _campaigns_name_rules(version, at)
        yield from _rewards_are_allowed(version, at)
        yield from _steps_rise(offers, (*at, "offers"))


def ids_differ(owner: object, name: str, id_name: str, at: Loc = ()) -> Iterator[Finding]:
    """No two entries of a list have the same id."""
    seen: set[str] = set()
    for loc, entry in entries(owner, name, at):
        id_ = entry.get(id_name)
        if type(id_) is int:  # a number which YAML took for one
            id_ = str(id_)
        if isinstance(id_, str):
            if id_ in seen:
                message = f"{quoted(id_)} is used above already; choose another {id_name}"
                yield Finding((*loc, id_name), message)
            seen.add(id_)


def _versions_ascend(tree: object) -> Iterator[Finding]:
    last_number, last_day = 0, None
    for at, version in entries(tree, "versions"):
        number = version.get("version")
        if isinstance(number, int) and not isinstance(number, bool):
            if number <= last_number:
                message = f"must be more than the version before, {last_number}; oldest come first"
                yield Finding((*at, "version"), message)
            last_number = max(number, last_number)
        try:
            day = parse_date(version.get("effective"))
        except PydanticCustomError:
            continue
        if last_day and day <= last_day:
            message = f"must be after the version before, which starts on {last_day}"
            yield Finding((*at, "effective"), message)
        last_day = max(day, last_day or day)


def _campaigns_name_rules(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    known = {id_ for _, rule in entries(version, "earn") if isinstance(id_ := rule.get("id"), str)}
    for loc, campaign in entries(version, "campaigns", at):
        for i, name in enumerate(_list(campaign, "rules")):
            if isinstance(name, str) and name not in known:
                message = f"this version has no rule {quoted(name)}; {suggestion(name, known)}"
                yield Finding((*loc, "rules", i), message)


def _rewards_are_allowed(version: Mapping[str, object], at: Loc) -> Iterator[Finding]:
    allowed = {name for name in _list(version, "allow_rewarding") if isinstance(name, str)}
    for loc, rule in entries(version, "earn", at):
        label = rule.get("touchpoint")
        if isinstance(label, str) and label in _FORBIDDEN - allowed:
            message = (
                f"WeChat forbids rewarding a {label}; remove the rule (a {label} may trigger"
                f" offers), or answer for it with allow_rewarding: [{label}]"
            )
            yield Finding((*loc, "touchpoint"), message)
    for i, name in enumerate(_list(version, "allow_rewarding")):
        if isinstance(name, str) and name not in _FORBIDDEN:
            message = f"{quoted(name)} needs no permission; {suggestion(name, _FORBIDDEN)}"
            yield Finding((*at, "allow_rewarding", i), message)


def _steps_rise(offers: object, at: Loc) -> Iterator[Finding]:
    last = 0
    for loc, step in entries(offers, "benefits", at):
        points = step.get("from_points")
        if isinstance(points, int) and not isinstance(points, bool):
            if points <= last:
                message = f"must be more than the step before, {last}; smallest come first"
                yield Finding((*loc, "from_points"), message)
            last = max(points, last)


def _list(owner: object, name: str) -> list[object]:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, list) else []
