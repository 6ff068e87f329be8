"""What a rule file means: its models as the plain, exact values the core reads. Pure."""

from __future__ import annotations

from fractions import Fraction

from stream.engine.calendar import DAY_MS
from stream.engine.fields import BASES
from stream.engine.ruleset import (
    Benefit,
    Campaign,
    Caps,
    Condition,
    EarningRule,
    OfferPolicy,
    Rate,
    Rounding,
    RuleBook,
    RuleSet,
)
from stream.rules.model import (
    CampaignEntry,
    EarnEntry,
    OffersEntry,
    RuleFile,
    VersionEntry,
)
from stream.rules.scalars import end_ms, start_ms

_HOUR_MS = 3_600_000


def compile_rules(file: RuleFile) -> RuleBook:
    """The rule book of a file which passed all checks."""
    return RuleBook(tuple(map(_version, file.versions)))


def _version(entry: VersionEntry) -> RuleSet:
    return RuleSet(
        version=entry.version,
        effective_ms=start_ms(entry.effective),
        rules={rule.id: _rule(rule) for rule in entry.earn},
        campaigns=tuple(map(_campaign, entry.campaigns)),
        expiry_days=entry.expiry_days,
        consent=entry.consent,
        offers=_offers(entry.offers) if entry.offers else None,
    )


def _rule(entry: EarnEntry) -> EarningRule:
    return EarningRule(
        id=entry.id,
        touchpoint=entry.touchpoint,
        points=entry.points,
        rate=_rate(entry),
        first_time=entry.first_time,
        caps=Caps(entry.caps.day, entry.caps.month, entry.caps.lifetime),
        when=tuple(
            Condition(name, op, operand)
            for name, tests in entry.when.items()
            for op, operand in tests.items()
        ),
    )


def _rate(entry: EarnEntry) -> Rate | None:
    if entry.points_per_yuan is None:
        return None
    base = entry.base or BASES[entry.touchpoint][0]
    return Rate(Fraction(entry.points_per_yuan), base, entry.rounding or Rounding.DOWN)


def _campaign(entry: CampaignEntry) -> Campaign:
    return Campaign(
        id=entry.id,
        starts_ms=start_ms(entry.start),
        ends_ms=end_ms(entry.end),
        multiplier=Fraction(entry.multiplier),
        rules=None if entry.rules is None else frozenset(entry.rules),
    )


def _offers(entry: OffersEntry) -> OfferPolicy:
    reasons = {"zh-CN": entry.reasons.zh_cn, "en": entry.reasons.en}
    return OfferPolicy(
        threshold_points=entry.threshold_points,
        triggers=frozenset(entry.triggers),
        lifetime_ms=entry.lifetime_days * DAY_MS,
        cooldown_ms=entry.cooldown_hours * _HOUR_MS,
        text={"zh-CN": entry.text.zh_cn, "en": entry.text.en},
        reason_text={
            language: {touchpoint.label: text for touchpoint, text in texts.items()}
            for language, texts in reasons.items()
        },
        benefits=tuple(
            Benefit(step.id, step.from_points, {"zh-CN": step.text.zh_cn, "en": step.text.en})
            for step in entry.benefits
        ),
        control_group_percent=entry.control_group_percent,
    )
