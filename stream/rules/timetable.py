"""List when the campaigns of a rule book run, and when its rules count, for people to review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from stream.engine.model.calendar import day_of
from stream.engine.model.rule_versions import shanghai_minute
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.schedule import Schedule, Span, shared

#: Dates in a line; JSON has them all.
_SHOWN: Final = 12


def timetable(book: RuleBook) -> list[dict[str, Any]]:
    """By version: its campaigns and the rules that have a schedule, fit for JSON.

    Dates are those on which the version, and the campaign, is in force. Times are Shanghai's, the
    end of a period excluded.
    """
    return [_version(version, book) for version in book.versions]


def _version(version: RuleSet, book: RuleBook) -> dict[str, Any]:
    starts, ends = version.effective_ms, book.next_change(version.effective_ms)
    found: dict[str, Any] = {
        "version": version.version,
        "effective": shanghai_minute(starts),
        "until": None if ends is None else shanghai_minute(ends),
        "combine": str(version.combine),
        "campaigns": [],
        "rules": [],
    }
    for campaign in version.campaigns:
        end = min((end for end in (ends, campaign.ends_ms) if end is not None), default=None)
        period = {"from": shanghai_minute(campaign.starts_ms)}
        if campaign.ends_ms is not None:
            period["to"] = shanghai_minute(campaign.ends_ms)
        plan = _schedule(campaign.schedule, max(starts, campaign.starts_ms), end)
        found["campaigns"].append(
            {"id": campaign.id, "multiplier": _decimal(campaign.multiplier), **period, **plan}
        )
    for rule in version.rules.values():
        for name, _, _, schedule, _ in rule.measures:
            if schedule is not None:
                found["rules"].append({"id": name, **_schedule(schedule, starts, ends)})
    return found


def lines(table: list[dict[str, Any]]) -> Iterator[str]:
    """The same in sentences: a line for each campaign and each rule."""
    for version in table:
        number = version["version"]
        for campaign in version["campaigns"]:
            said = [*_period(campaign, version), *_said(campaign)] or ["always"]
            named = f"campaign {campaign['id']} (x {campaign['multiplier']})"
            yield f"  version {number}, {named}: {'; '.join(said)}"
        for rule in version["rules"]:
            yield f"  version {number}, rule {rule['id']}: {'; '.join(_said(rule))}"


def _period(campaign: Mapping[str, Any], version: Mapping[str, Any]) -> Iterator[str]:
    """Nothing for as long as the version is in force."""
    if "to" in campaign:
        yield f"from {campaign['from']} to {campaign['to']}"
    elif campaign["from"] != version["effective"]:
        yield f"from {campaign['from']}"


def _said(plan: Mapping[str, Any]) -> Iterator[str]:
    """As the file says it, but for the days that it does not name."""
    for name, values in plan.items():
        if isinstance(values, list):
            more = len(values) - _SHOWN
            shown = ", ".join(map(str, values[:_SHOWN])) or "none"
            yield f"{name} {shown}" + (f", {more} more to {values[-1]}" if more > 0 else "")


def _schedule(schedule: Schedule | None, starts: int, ends: int | None) -> dict[str, Any]:
    """What it says of the time from ``starts`` to ``ends`` (ms)."""
    if schedule is None:
        return {}
    if schedule.days is None:
        return schedule.readable()
    first = day_of(starts) - (schedule.hours is not None)  # the night before counts, too
    end = 2**31 if ends is None else day_of(ends - 1) + 1
    return replace(schedule, days=shared(schedule.days, (Span(first, end),))).readable()


def _decimal(multiplier: Fraction) -> str:
    """A file has up to six decimals."""
    return f"{float(multiplier):.6f}".rstrip("0").rstrip(".")
