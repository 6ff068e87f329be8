# SPDX-License-Identifier: Apache-2.0
"""Warn about days and hours that are valid but probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from stream.engine.model.calendar import day_number, day_of
from stream.engine.model.schedule import Schedule
from stream.language import lint_messages as say
from stream.rules.compile import compile_campaign, life_of
from stream.rules.model import VersionEntry
from stream.rules.schedule_compile import Life, compile_schedule
from stream.rules.schedule_model import RuleWhen, ScheduleEntry
from stream.yaml_config.problems import Finding, Loc
from stream.yaml_config.value_types import start_ms


def schedule_warnings(version: VersionEntry, end: int | None) -> Iterator[Finding]:
    """Warnings about a valid version, which ends at ``end`` (ms; ``None``: it is the last)."""
    life, effective = life_of(version), start_ms(version.effective)
    limit = day_of(end - 1) if end is not None else day_number(date(life.last_year, 12, 31))
    for loc, when in _whens(version):
        schedule = compile_schedule(when, life)
        if schedule is not None and not _has_any(schedule, day_of(effective), limit):
            yield Finding((*loc, "when"), say.NEVER_IN_VERSION())
    for i, entry in enumerate(version.campaigns):
        campaign = compile_campaign(entry, version)
        first = day_of(max(campaign.starts_ms, effective))
        last = limit if campaign.ends_ms is None else min(limit, day_of(campaign.ends_ms - 1))
        if campaign.schedule is not None and not _has_any(campaign.schedule, first, last):
            yield Finding(("campaigns", i, "when"), say.NEVER_IN_CAMPAIGN())
    yield from _list_ends(version, life, limit)


def _whens(version: VersionEntry) -> Iterator[tuple[Loc, RuleWhen]]:
    """The conditions of rules, and of their steps, and where they stand."""
    for i, rule in enumerate(version.earn):
        yield ("earn", i), rule.when
        for n, step in enumerate(rule.steps):
            yield ("earn", i, "steps", n), step.when


def _has_any(schedule: Schedule, first: int, last: int) -> bool:
    return any(map(schedule.has_day, range(first - 1, last + 1)))  # hours may be after midnight


def _list_ends(version: VersionEntry, life: Life, limit: int) -> Iterator[Finding]:
    """From where on it is not known which days are worked."""
    whens: list[ScheduleEntry | None] = [when for _, when in _whens(version)]
    whens += [campaign.when for campaign in version.campaigns]
    if all(when is None or when.working_day is None for when in whens):
        return
    for year in range(life.effective.year, life.last_year + 1):
        if year not in life.calendar and day_number(date(year, 1, 1)) <= limit:
            yield Finding(("calendar",), say.YEAR_NOT_LISTED(year=str(year)), at_name=True)
            return
