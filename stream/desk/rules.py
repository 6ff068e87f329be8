# SPDX-License-Identifier: Apache-2.0
"""The rules in force and to come, and the calendar of campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stream.desk.sources import Sources
from stream.desk.table import table, when
from stream.engine.model.calendar import shanghai
from stream.engine.model.ruleset import Campaign, EarningRule, RuleBook, RuleSet
from stream.engine.model.touchpoints import Touchpoint
from stream.language import desk_messages as m
from stream.language import report_messages as r
from stream.language.message import Phrase, listed
from stream.lookup.budgets import budget_states
from stream.lookup.rules_in_force import newest_rules
from stream.report.page import Section

CALENDAR_WIDTH = 760
_LEFT, _ROW = 150, 22
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A campaign in the calendar, in user units of the SVG."""

    label: str
    x: float
    y: int
    width: float


@dataclass(frozen=True, slots=True)
class Calendar:
    """When campaigns run, with the dates at both ends and today's place."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    today: float
    height: int
    width: int = CALENDAR_WIDTH
    left: int = _LEFT


async def rules_page(sources: Sources) -> tuple[list[Section], Calendar | None]:
    """The sections of the page, and the calendar."""
    now_ms = sources.clock_ms()
    known = await newest_rules(sources.tables, sources.settings.partitions)
    book = known.book if known is not None else RuleBook(())
    campaigns = dict(_campaigns(book, now_ms))
    granted = {
        state.campaign: f"{state.granted:,} / {state.budget:,}"
        for state in await budget_states(sources.tables, sources.settings.partitions)
    }
    sections = [_versions(book, now_ms), _rules(book.at(now_ms))]
    sections.append(_campaign_table(campaigns, granted))
    return sections, calendar(list(campaigns.values()), now_ms)


def _versions(book: RuleBook, now_ms: int) -> Section:
    current = book.at(now_ms)
    rows = [
        (str(one.version), when(one.effective_ms), _state(one, current, now_ms))
        for one in book.versions
    ]
    headings = [m.H_VERSION(), m.H_IN_FORCE_FROM(), m.H_STATE()]
    return table("versions", m.VERSIONS(), m.VERSIONS_NOTE(), headings, rows)


def _state(one: RuleSet, current: RuleSet | None, now_ms: int) -> Phrase:
    if one is current:
        return m.S_IN_FORCE()
    return m.S_TO_COME() if one.effective_ms > now_ms else m.S_PAST()


def _rules(rules: RuleSet | None) -> Section:
    rows = [
        (rule.id, _touchpoint(rule), _earns(rule), _caps(rule))
        for rule in (rules.rules.values() if rules else ())
    ]
    headings = [r.C_RULE(), m.H_TOUCHPOINT(), m.H_EARNS(), m.H_CAPS()]
    return table("rules-now", m.RULES_NOW(), m.RULES_NOW_NOTE(), headings, rows)


def _touchpoint(rule: EarningRule) -> str:
    return "" if rule.touchpoint is None else Touchpoint(rule.touchpoint).label


def _earns(rule: EarningRule) -> Phrase:
    if rule.points is not None:
        return m.EARNS_POINTS(points=f"{rule.points:,}")
    if rule.rate is not None:
        return m.EARNS_RATE(points=f"{float(rule.rate.points_per_yuan):g}")
    return m.EARNS_STEPS()


def _caps(rule: EarningRule) -> Phrase:
    periods = ("day", "week", "month", "lifetime")
    caps = [f"{p} {cap:,}" for p in periods if (cap := getattr(rule.caps, p)) is not None]
    return listed(caps) if caps else m.NO_CAPS()


def _campaigns(book: RuleBook, now_ms: int) -> Iterator[tuple[str, Campaign]]:
    """By id, as the last version that matters has them."""
    current = book.at(now_ms)
    for version in book.versions:
        if version is current or version.effective_ms > now_ms:
            yield from ((campaign.id, campaign) for campaign in version.campaigns)


def _campaign_table(campaigns: dict[str, Campaign], granted: dict[str, str]) -> Section:
    rows = [
        (
            one.id,
            when(one.starts_ms),
            m.NO_END() if one.ends_ms is None else when(one.ends_ms),
            f"{float(one.multiplier):g}",
            granted.get(one.id, ""),
        )
        for one in campaigns.values()
    ]
    headings = [r.C_CAMPAIGN(), m.H_FROM(), m.H_UNTIL(), m.H_MULTIPLIER(), m.H_BUDGET()]
    note = m.CAMPAIGNS_NOTE() if rows else m.NO_CAMPAIGNS()
    return table("campaigns", m.CAMPAIGNS(), note, headings, rows)


def calendar(campaigns: Sequence[Campaign], now_ms: int) -> Calendar | None:
    """Bars over the whole time of all campaigns; one without an end goes to the right border."""
    if not campaigns:
        return None
    first = min(now_ms, *(one.starts_ms for one in campaigns))
    ends = [one.ends_ms for one in campaigns if one.ends_ms is not None]
    last = max(now_ms + _DAY_MS, *(one.starts_ms + _DAY_MS for one in campaigns), *ends)
    scale = (CALENDAR_WIDTH - _LEFT) / (last - first)
    bars = []
    for number, one in enumerate(campaigns):
        end = last if one.ends_ms is None else one.ends_ms
        width = max(2.0, round((end - one.starts_ms) * scale, 1))
        x = round(_LEFT + (one.starts_ms - first) * scale, 1)
        bars.append(Bar(one.id, x, number * _ROW, width))
    today = round(_LEFT + (now_ms - first) * scale, 1)
    begins, ends_on = shanghai(first)[:10], shanghai(last)[:10]
    return Calendar(tuple(bars), begins, ends_on, today, len(bars) * _ROW)
