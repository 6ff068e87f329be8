"""Warn about settings of a rule file that are valid but probably a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from stream.engine.model.touchpoints import UNREWARDABLE, Touchpoint
from stream.engine.points.kinds import kind_of
from stream.rules.compile import HOUR_MS, compile_rule, lifetime_ms
from stream.rules.model import OfferEntry, RuleFile, VersionEntry
from stream.yaml_config.problems import Finding, Loc
from stream.yaml_config.value_types import end_ms, start_ms


def warnings_about(file: RuleFile) -> Iterator[Finding]:
    """Warnings about a file that passed all checks."""
    ends = [start_ms(later.effective) for _, later in pairwise(file.versions)]
    for i, (version, end) in enumerate(zip(file.versions, [*ends, None], strict=True)):
        at: Loc = ("versions", i)
        yield from _forbidden_rewards(version, at)
        yield from _idle_campaigns(version, end, at)
        for n, block in enumerate(version.offers):
            yield from _no_benefit_to_name(block, (*at, "offers", n))
            yield from _may_lapse_unannounced(block, (*at, "offers", n))
        yield from _never_reached(version, at)


def _forbidden_rewards(version: VersionEntry, at: Loc) -> Iterator[Finding]:
    for i, rule in enumerate(version.earn):
        places: list[tuple[Loc, Touchpoint | None]] = [((), rule.touchpoint)]
        places += [(("steps", n), step.touchpoint) for n, step in enumerate(rule.steps)]
        for loc, touchpoint in places:
            if touchpoint in UNREWARDABLE:
                message = (
                    f"rewards a {touchpoint.label}, which WeChat forbids;"
                    " the account may be blocked for it"
                )
                yield Finding((*at, "earn", i, *loc, "touchpoint"), message)


def _idle_campaigns(version: VersionEntry, end: int | None, at: Loc) -> Iterator[Finding]:
    kinds = {rule.id: kind_of(compile_rule(rule)) for rule in version.earn}
    for i, campaign in enumerate(version.campaigns):
        loc = (*at, "campaigns", i)
        over = end_ms(campaign.end) <= start_ms(version.effective)
        if over or (end is not None and start_ms(campaign.start) >= end):
            message = "never runs: this version is not in force then; move it to the one that is"
            yield Finding((*loc, "from"), message)
        for n, name in enumerate(campaign.rules or ()):
            kind = kinds.get(name)
            if kind is not None and not kind.multiplied:
                message = f"is a {kind.name} rule, which campaigns do not multiply; remove it here"
                yield Finding((*loc, "rules", n), message)


def _no_benefit_to_name(offers: OfferEntry, at: Loc) -> Iterator[Finding]:
    if any(step.from_points <= offers.threshold_points for step in offers.benefits):
        return
    for language, text in (("zh-CN", offers.text.zh_cn), ("en", offers.text.en)):
        if "{benefits}" in text:
            message = "names {benefits}, and an offer at the threshold has none; add a first step"
            yield Finding((*at, "text", language), message)


def _may_lapse_unannounced(offers: OfferEntry, at: Loc) -> Iterator[Finding]:
    lives = lifetime_ms(offers.lifetime)
    if offers.cooldown_hours * HOUR_MS > lives:
        message = (
            f"is longer than an offer lives ({lives / HOUR_MS:g} hours): the next offer may lapse"
            " before it is announced"
        )
        yield Finding((*at, "cooldown_hours"), message)


def _never_reached(version: VersionEntry, at: Loc) -> Iterator[Finding]:
    """An earlier block which is for everybody, and lives as long from the same triggers on."""
    for n, block in enumerate(version.offers):
        for before in version.offers[:n]:
            lives = lifetime_ms(before.lifetime) >= lifetime_ms(block.lifetime)
            covers = {*before.triggers} >= {*block.triggers} and block.silent_days is None
            everybody = before.audience is None
            lower = before.threshold_points <= block.threshold_points
            if lives and covers and everybody and lower:
                message = f"never makes an offer: '{before.id}' above does first; put it below"
                yield Finding((*at, "offers", n, "id"), message)
                break
