"""All findings about what has to fit together in a rule file, beyond each value by itself.

The checks of one entry are pure functions which yield findings relative to it. The tables name
the settings each one reads, so that it still runs when another setting of the entry is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from stream.rules import rule_checks
from stream.rules.between import between_entries, entries
from stream.rules.model import CampaignEntry, Closed, EarnEntry, OffersEntry
from stream.rules.problems import Finding, Loc
from stream.rules.scalars import end_ms, start_ms

_M = TypeVar("_M", bound=Closed)
_Check = Callable[[_M], Iterator[Finding]]
_Checks = tuple[tuple[frozenset[str], _Check[_M]], ...]


def findings_in(tree: object) -> Iterator[Finding]:
    """The findings in the plain tree of a rule file."""
    for at, version in entries(tree, "versions"):
        for loc, rule in entries(version, "earn", at):
            yield from _check(EarnEntry, rule, loc, _RULE_CHECKS, _RULE)
        for loc, campaign in entries(version, "campaigns", at):
            yield from _check(CampaignEntry, campaign, loc, _CAMPAIGN_CHECKS, _CAMPAIGN)
        offers = version.get("offers")
        if isinstance(offers, dict):
            yield from _check(OffersEntry, offers, (*at, "offers"), _OFFERS_CHECKS, _OFFERS)
    yield from between_entries(tree)


def _check(
    model: type[_M],
    entry: Mapping[str, object],
    at: Loc,
    checks: _Checks[_M],
    stand_in: Mapping[str, object],
) -> Iterator[Finding]:
    draft: dict[str, Any] = dict(entry)
    wrong: set[str] = set()
    try:
        valid = model.model_validate(draft)
    except ValidationError as error:
        wrong = {str(e["loc"][0]) for e in error.errors(include_url=False) if e["loc"]}
        for name in wrong:
            draft.pop(name, None)
        valid = model.model_validate(draft | {n: stand_in[n] for n in wrong & stand_in.keys()})
    for reads, check in checks:
        if not reads & wrong:
            for finding in check(valid):
                yield finding._replace(loc=(*at, *finding.loc))


def _begins_before_it_ends(campaign: CampaignEntry) -> Iterator[Finding]:
    if start_ms(campaign.start) >= end_ms(campaign.end):
        yield Finding(("to",), "must be after 'from'")


def _triggers_differ(offers: OffersEntry) -> Iterator[Finding]:
    for i, trigger in enumerate(offers.triggers):
        if trigger in offers.triggers[:i]:
            yield Finding(("triggers", i), f"{trigger.label} is in the list already; remove it")


def _reasons_in_both_languages(offers: OffersEntry) -> Iterator[Finding]:
    texts = {"zh-CN": offers.reasons.zh_cn, "en": offers.reasons.en}
    for given, other in (("zh-CN", "en"), ("en", "zh-CN")):
        for touchpoint in sorted(texts[given].keys() - texts[other].keys()):
            message = f"has no text in {other}; add one there, too"
            yield Finding(("reasons", given, touchpoint.label), message, at_name=True)


_RULE_CHECKS: _Checks[EarnEntry] = (
    (frozenset({"points", "points_per_yuan"}), rule_checks.one_amount),
    (frozenset({"points_per_yuan", "first_time"}), rule_checks.first_time_is_fixed),
    (frozenset({"touchpoint", "points_per_yuan", "base", "rounding"}), rule_checks.rate_has_money),
    (frozenset({"caps"}), rule_checks.caps_rise),
    (frozenset({"touchpoint", "when"}), rule_checks.conditions_fit),
)
_CAMPAIGN_CHECKS: _Checks[CampaignEntry] = ((frozenset({"from", "to"}), _begins_before_it_ends),)
_OFFERS_CHECKS: _Checks[OffersEntry] = (
    (frozenset({"triggers"}), _triggers_differ),
    (frozenset({"reasons"}), _reasons_in_both_languages),
)

# What takes the place of a wrong or missing setting, so that the others can be checked.
_RULE = {"id": "x", "touchpoint": "purchase"}
_CAMPAIGN = {"id": "x", "from": "2026-01-01", "to": "2026-01-01", "multiplier": 1}
_OFFERS = {
    "threshold_points": 1,
    "triggers": ["purchase"],
    "lifetime_days": 1,
    "cooldown_hours": 0,
    "text": {"zh-CN": "{points}", "en": "{points}"},
}
