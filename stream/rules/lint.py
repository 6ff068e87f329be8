# SPDX-License-Identifier: Apache-2.0
"""Warn about settings of a rule file that are valid but probably a mistake.

Each check is a function of one version and what stands around it, and is listed in ``_CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from stream.engine.model.ruleset import EarningRule, Measure
from stream.engine.model.touchpoints import UNREWARDABLE
from stream.engine.points.kinds import kind_of
from stream.language import lint_messages as say
from stream.language.message import listed
from stream.rules.class_lint import class_warnings
from stream.rules.compile import compile_rule, life_of
from stream.rules.known_apps import KnownApps
from stream.rules.lint_conditions import doubtful_conditions
from stream.rules.model import RuleFile, VersionEntry
from stream.rules.nudge_checks import nudge_warnings
from stream.rules.offer_lint import offer_warnings
from stream.rules.reach import most_at_once
from stream.rules.schedule_compile import Life
from stream.rules.schedule_lint import schedule_warnings
from stream.yaml_config.problems import Finding, Loc, shown
from stream.yaml_config.value_types import end_ms, start_ms


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of a file, the one before, and the instant at which the next one begins."""

    entry: VersionEntry
    rules: Mapping[str, EarningRule]
    end_ms: int | None
    before: _Version | None = field(default=None, repr=False)

    @property
    def history(self) -> Iterator[_Version]:
        """This version and all before it, the newest first."""
        version: _Version | None = self
        while version is not None:
            yield version
            version = version.before


def warnings_about(file: RuleFile, apps: KnownApps | None = None) -> Iterator[Finding]:
    """Warnings about a file that passed all checks; about apps only if they are known."""
    starts = [start_ms(version.effective) for version in file.versions]
    before = None
    for i, (entry, end) in enumerate(zip(file.versions, [*starts[1:], None], strict=True)):
        version = before = _Version(entry, _rules(entry, life_of(entry)), end, before)
        for check in _CHECKS:
            for finding in check(version, apps):
                yield finding._replace(loc=("versions", i, *finding.loc))


def _rules(entry: VersionEntry, life: Life) -> Mapping[str, EarningRule]:
    return {rule.id: compile_rule(rule, life, entry.tiers) for rule in entry.earn}


# earning rules ------------------------------------------------------------------------------------


def _forbidden_rewards(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    for i, rule in enumerate(version.rules.values()):
        for at, measure in _measures(i, rule):
            if measure.touchpoint in UNREWARDABLE:
                message = say.REWARD_FORBIDDEN(touchpoint=measure.touchpoint.label)
                yield Finding((*at, "touchpoint"), message)


def _conditions(version: _Version, apps: KnownApps | None) -> Iterator[Finding]:
    for i, rule in enumerate(version.rules.values()):
        for at, measure in _measures(i, rule):
            for finding in doubtful_conditions(measure, apps.kinds if apps else None):
                yield finding._replace(loc=(*at, "when", *finding.loc))


def _measures(number: int, rule: EarningRule) -> Iterator[tuple[Loc, Measure]]:
    """A rule, or each of its steps, and where it stands."""
    for n, measure in enumerate(rule.measures):
        yield ("earn", number, *(("steps", n) if rule.steps else ())), measure


def _days_and_hours(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    return schedule_warnings(version.entry, version.end_ms)


def _rules_gone(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    """Rules of the version before that have another id here, or are here no more."""
    if version.before is None:
        return
    number = version.before.entry.version
    old = _rules(version.before.entry, life_of(version.entry))  # days are resolved alike
    gone = {id_: rule for id_, rule in old.items() if id_ not in version.rules}
    for i, (id_, rule) in enumerate(version.rules.items()):
        same = [
            former for former in gone if id_ not in old and replace(gone[former], id=id_) == rule
        ]
        if same:
            del gone[same[0]]
            message = say.RULE_RENAMED(former=same[0], version=number)
            yield Finding(("earn", i, "id"), message)
    if gone:
        message = say.RULES_GONE(rules=listed(map(shown, gone)), version=number)
        yield Finding(("earn",), message, at_name=True)


def _whom_rules_are_for(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    return class_warnings(version.entry)


def _nudges(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    return nudge_warnings(version.entry)


# campaigns ----------------------------------------------------------------------------------------


def _idle_campaigns(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    begin, end = start_ms(version.entry.effective), version.end_ms
    kinds = {id_: kind_of(rule) for id_, rule in version.rules.items()}
    for i, campaign in enumerate(version.entry.campaigns):
        over = campaign.end and end_ms(campaign.end) <= begin
        if over or (campaign.start and end is not None and start_ms(campaign.start) >= end):
            name = "to" if campaign.start is None else "from"
            yield Finding(("campaigns", i, name), say.CAMPAIGN_NEVER_RUNS())
        if campaign.rules is None and not any(kind.multiplied for kind in kinds.values()):
            yield Finding(("campaigns", i, "multiplier"), say.MULTIPLIES_NOTHING())
        for n, name in enumerate(campaign.rules or ()):
            if not kinds[name].multiplied:
                message = say.NOT_MULTIPLIED(kind=kinds[name].name)
                yield Finding(("campaigns", i, "rules", n), message)


def _offers(version: _Version, apps: KnownApps | None) -> Iterator[Finding]:
    most = most_at_once([(v.entry.expiry_days, v.rules) for v in version.history])
    return offer_warnings(version.entry, most, apps)


_CHECKS: Final[tuple[Callable[[_Version, KnownApps | None], Iterator[Finding]], ...]] = (
    _forbidden_rewards,
    _conditions,
    _rules_gone,
    _idle_campaigns,
    _days_and_hours,
    _whom_rules_are_for,
    _nudges,
    _offers,
)
