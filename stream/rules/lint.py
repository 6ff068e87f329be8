"""Warn about settings of a rule file that are valid but probably a mistake.

Each check is a function of one version and what stands around it, and is listed in ``_CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from schemas.registry import SOURCES
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from stream.engine.model.ruleset import EarningRule, Measure
from stream.engine.model.touchpoints import UNREWARDABLE, Touchpoint
from stream.engine.points.kinds import kind_of
from stream.language import lint_messages as say
from stream.language.message import Said, either, listed
from stream.rules.class_lint import class_warnings
from stream.rules.compile import compile_rule, life_of
from stream.rules.lint_conditions import doubtful_conditions
from stream.rules.model import RuleFile, VersionEntry
from stream.rules.nudge_checks import nudge_warnings
from stream.rules.reach import most_at_once
from stream.rules.schedule_compile import Life
from stream.rules.schedule_lint import schedule_warnings
from stream.yaml_config.problems import Finding, Loc, shown
from stream.yaml_config.value_types import end_ms, start_ms

#: The kinds of apps that the events of a topic come from.
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    TOPIC_OFFICIAL_ACCOUNT: ("official_account",),
    TOPIC_MINI_PROGRAM: ("mini_program", "mobile_app", "website"),
}


@dataclass(frozen=True, slots=True)
class KnownApps:
    """What an apps file says that rules go by: appid -> kind, and whose unfollow keeps consent."""

    kinds: Mapping[str, str]
    keep_consent: frozenset[str] = frozenset()


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


# offers -------------------------------------------------------------------------------------------


def _offers_without_benefit(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    offers = version.entry.offers
    if not offers or any(s.from_points <= offers.threshold_points for s in offers.benefits):
        return
    for language, text in (("zh-CN", offers.text.zh_cn), ("en", offers.text.en)):
        if "{benefits}" in text:
            yield Finding(("offers", "text", language), say.OFFER_WITHOUT_BENEFIT())


def _offers_unannounced(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    offers = version.entry.offers
    if offers and offers.cooldown_hours > offers.lifetime_days * 24:
        message = say.MAY_LAPSE_UNANNOUNCED(days=offers.lifetime_days)
        yield Finding(("offers", "cooldown_hours"), message)
    if offers and offers.control_group and offers.control_group.percent == 100:
        yield Finding(("offers", "control_group", "percent"), say.NO_OFFERS_FOR_ANYONE())


def _points_out_of_reach(version: _Version, _: KnownApps | None) -> Iterator[Finding]:
    offers = version.entry.offers
    if not offers:
        return
    most = most_at_once([(v.entry.expiry_days, v.rules) for v in version.history])
    if most is None:
        return
    message = say.OUT_OF_REACH(most=most) if most else say.NOTHING_TO_REACH()
    if offers.threshold_points > most:
        yield Finding(("offers", "threshold_points"), message)
        return
    for i, step in enumerate(offers.benefits):
        if step.from_points > most:
            yield Finding(("offers", "benefits", i, "from_points"), message)


def _no_trigger_happens(version: _Version, apps: KnownApps | None) -> Iterator[Finding]:
    offers = version.entry.offers
    if not offers:
        return
    reasons = [_why_never(trigger, apps) for trigger in offers.triggers]
    if all(reasons):
        why = listed(dict.fromkeys(reason for reason in reasons if reason))
        yield Finding(("offers", "triggers"), say.NO_TRIGGER_HAPPENS(why=why))


def _why_never(trigger: Touchpoint, apps: KnownApps | None) -> Said | None:
    """Why a touchpoint leads to no offer, if it does not."""
    if trigger is Touchpoint.UNFOLLOW and not (apps and apps.keep_consent):
        return say.AFTER_UNFOLLOW()
    topics = {topic for s in SOURCES if s.touchpoint is trigger for topic in s.topics}
    if apps is None or not topics or not topics <= _KINDS.keys():
        return None
    kinds = [kind for topic in sorted(topics) for kind in _KINDS[topic]]
    return None if {*kinds} & {*apps.kinds.values()} else say.NO_APP_OF_KIND(kinds=either(kinds))


_CHECKS: Final[tuple[Callable[[_Version, KnownApps | None], Iterator[Finding]], ...]] = (
    _forbidden_rewards,
    _conditions,
    _rules_gone,
    _idle_campaigns,
    _days_and_hours,
    _whom_rules_are_for,
    _nudges,
    _offers_without_benefit,
    _offers_unannounced,
    _points_out_of_reach,
    _no_trigger_happens,
)
