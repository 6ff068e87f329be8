# SPDX-License-Identifier: Apache-2.0
"""Compile the models of a rule file to the plain, exact values that the engine reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Protocol

from stream.engine.model.calendar import DAY_MS, date_of, day_of
from stream.engine.model.fields import BASES
from stream.engine.model.ruleset import (
    Audience,
    Benefit,
    Campaign,
    Caps,
    Condition,
    ControlGroup,
    EarningRule,
    InvitationPolicy,
    OfferBlock,
    Op,
    Rate,
    Rounding,
    RuleBook,
    RuleGroup,
    RuleSet,
    Step,
)
from stream.rules.class_compile import compile_classes, compile_who
from stream.rules.class_model import TiersEntry
from stream.rules.model import (
    KIND_SETTINGS,
    AudienceEntry,
    BenefitEntry,
    CampaignEntry,
    CapsEntry,
    ControlGroupEntry,
    EarnEntry,
    InvitationEntry,
    LifetimeEntry,
    OfferEntry,
    ReasonTexts,
    RuleFile,
    VersionEntry,
)
from stream.rules.nudge_compile import compile_nudges
from stream.rules.schedule_compile import Life, compile_schedule
from stream.yaml_config.value_types import Operand, end_ms, start_ms

HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


class _InBoth(Protocol):
    """A text in both languages."""

    @property
    def zh_cn(self) -> str: ...
    @property
    def en(self) -> str: ...


#: What a rule file and the core call by one name and mean alike.
_SAME = ("id", "touchpoint", "points", "first_time")


def compile_rules(file: RuleFile) -> RuleBook:
    """The rule book of a file that passed all checks."""
    return RuleBook(tuple(map(_version, file.versions)))


def life_of(entry: VersionEntry) -> Life:
    """What a version says about time."""
    return Life(date_of(day_of(start_ms(entry.effective))), entry.calendar or {})


def _version(entry: VersionEntry) -> RuleSet:
    life = life_of(entry)
    return RuleSet(
        version=entry.version,
        effective_ms=start_ms(entry.effective),
        rules={rule.id: compile_rule(rule, life, entry.tiers) for rule in entry.earn},
        campaigns=tuple(compile_campaign(campaign, entry) for campaign in entry.campaigns),
        groups=tuple(
            RuleGroup(group.id, {name: i for i, name in enumerate(group.rules)}, _caps(group.caps))
            for group in entry.groups
        ),
        expiry_days=entry.expiry_days,
        consent=entry.consent,
        combine=entry.combine,
        classes=compile_classes(entry.tiers, entry.segments, entry.tags),
        nudges=compile_nudges(entry.nudges, entry.nudge_limits),
        offers=tuple(_offer(block, entry.tiers) for block in entry.offers),
        reason_text=_reasons(entry.reasons),
        control_group=_control_group(entry.control_group),
        invitation=_invitation(entry.invitation) if entry.invitation else None,
    )


def compile_rule(entry: EarnEntry, life: Life, tiers: TiersEntry | None) -> EarningRule:
    """An earning rule of a version with these tiers."""
    settings = {name: n for name in KIND_SETTINGS if (n := getattr(entry, name)) is not None}
    same: dict[str, Any] = {name: getattr(entry, name) for name in _SAME}
    return EarningRule(
        **same,
        rate=_rate(entry),
        settings=settings or None,
        pending_days=entry.pending_days or 0,
        caps=_caps(entry.caps),
        when=_conditions(entry.when.tests),
        schedule=compile_schedule(entry.when, life),
        who=compile_who(entry.who, tiers),
        by_tier=_by_tier(entry),
        steps=tuple(
            Step(s.touchpoint, _conditions(s.when.tests), compile_schedule(s.when, life))
            for s in entry.steps
        ),
    )


def _caps(entry: CapsEntry) -> Caps:
    return Caps(**dict(entry))


def _by_tier(entry: EarnEntry) -> Mapping[str, Fraction] | None:
    if entry.tier_multiplier is None:
        return None
    return {level: Fraction(factor) for level, factor in entry.tier_multiplier.items()}


def _conditions(when: Mapping[str, Mapping[Op, Operand]]) -> tuple[Condition, ...]:
    return tuple(
        Condition(name, op, operand)
        for name, tests in when.items()
        for op, operand in tests.items()
    )


def _rate(entry: EarnEntry) -> Rate | None:
    if entry.points_per_yuan is None or entry.touchpoint is None:
        return None
    base = entry.base or BASES[entry.touchpoint][0]
    return Rate(Fraction(entry.points_per_yuan), base, entry.rounding or Rounding.DOWN)


def compile_campaign(entry: CampaignEntry, version: VersionEntry) -> Campaign:
    """A campaign of a version."""
    return Campaign(
        id=entry.id,
        starts_ms=start_ms(version.effective if entry.start is None else entry.start),
        ends_ms=None if entry.end is None else end_ms(entry.end),
        multiplier=Fraction(entry.multiplier),
        rules=None if entry.rules is None else frozenset(entry.rules),
        schedule=compile_schedule(entry.when, life_of(version)),
        caps=_caps(entry.caps),
        budget=entry.budget,
    )


def _control_group(entry: ControlGroupEntry | None) -> ControlGroup | None:
    return None if entry is None else ControlGroup(entry.experiment, entry.percent)


def _both(texts: _InBoth) -> Mapping[str, str]:
    return {"zh-CN": texts.zh_cn, "en": texts.en}


def lifetime_ms(entry: LifetimeEntry) -> int:
    """A lifetime in ms."""
    minutes, hours, days = entry.minutes or 0, entry.hours or 0, entry.days or 0
    return minutes * _MINUTE_MS + hours * HOUR_MS + days * DAY_MS


def _reasons(entry: ReasonTexts) -> Mapping[str, Mapping[str, str]]:
    texts = {"zh-CN": entry.zh_cn, "en": entry.en}
    return {
        language: {touchpoint.label: text for touchpoint, text in said.items()}
        for language, said in texts.items()
        if said
    }


def _offer(entry: OfferEntry, tiers: TiersEntry | None) -> OfferBlock:
    return OfferBlock(
        id=entry.id,
        threshold_points=entry.threshold_points,
        triggers=frozenset(entry.triggers),
        lifetime_ms=lifetime_ms(entry.lifetime),
        cooldown_ms=entry.cooldown_hours * HOUR_MS,
        text=_both(entry.text),
        short_text=_both(entry.short_text),
        benefits=tuple(map(_benefit, entry.benefits)),
        silent_days=entry.silent_days or 0,
        audience=_audience(entry.audience) if entry.audience else None,
        who=compile_who(entry.who, tiers),
    )


def _audience(entry: AudienceEntry) -> Audience:
    return Audience(frozenset(entry.apps or ()), frozenset(entry.open_accounts or ()))


def _benefit(entry: BenefitEntry) -> Benefit:
    effect = entry.effect.model_dump(exclude_none=True) if entry.effect else None
    return Benefit(entry.id, entry.from_points, _both(entry.text), effect, entry.code or "")


def _invitation(entry: InvitationEntry) -> InvitationPolicy:
    return InvitationPolicy(
        to=entry.to,
        triggers=frozenset(entry.triggers),
        lifetime_ms=lifetime_ms(entry.lifetime),
        cooldown_ms=entry.cooldown_days * DAY_MS,
        text=_both(entry.text),
        short_text=_both(entry.short_text),
    )
