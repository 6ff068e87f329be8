# SPDX-License-Identifier: Apache-2.0
"""List when the campaigns of a rule book run, and when its rules count, for people to review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import Any, Final

from stream.engine.model.calendar import day_of
from stream.engine.model.rule_versions import shanghai_minute
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.schedule import Schedule, Span, shared
from stream.language import command_messages as say
from stream.language.message import Phrase, listed

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


def lines(table: list[dict[str, Any]]) -> Iterator[Phrase]:
    """The same in sentences: a line for each campaign and each rule."""
    for version in table:
        number = version["version"]
        for campaign in version["campaigns"]:
            said = [*_period(campaign, version), *_said(campaign)] or [say.ALWAYS()]
            yield say.CAMPAIGN_RUNS(
                version=number,
                id=campaign["id"],
                multiplier=campaign["multiplier"],
                times=reduce(_and, said),
            )
        for rule in version["rules"]:
            times = reduce(_and, _said(rule))
            yield say.RULE_COUNTS(version=number, id=rule["id"], times=times)


def _and(one: Phrase, other: Phrase) -> Phrase:
    return say.TWO_TIMES(one=one, other=other)


def _period(campaign: Mapping[str, Any], version: Mapping[str, Any]) -> Iterator[Phrase]:
    """Nothing for as long as the version is in force."""
    if "to" in campaign:
        yield say.FROM_TO(start=campaign["from"], end=campaign["to"])
    elif campaign["from"] != version["effective"]:
        yield say.FROM_ON(start=campaign["from"])


def _said(plan: Mapping[str, Any]) -> Iterator[Phrase]:
    """As the file says it, but for the days that it does not name."""
    for name, values in plan.items():
        if isinstance(values, list):
            more = len(values) - _SHOWN
            shown: Phrase = listed(map(str, values[:_SHOWN])) if values else say.NONE()
            if more > 0:
                shown = say.AND_MORE(shown=shown, more=more, last=str(values[-1]))
            yield say.TIMES(name=name, values=shown)


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
