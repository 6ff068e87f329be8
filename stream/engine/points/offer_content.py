# SPDX-License-Identifier: Apache-2.0
"""What an offer says: why, for what, in words, and by which channels it can be carried."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from schemas import format_ms
from schemas.offers import SHORT_POINTS_MAX
from stream.engine.model.control_group import marks
from stream.engine.model.decision import Cause
from stream.engine.model.ids import origin_key, origin_parts, scope_of
from stream.engine.model.limits import ORIGINS_IN_OFFER_MAX
from stream.engine.model.ruleset import BONUS, Benefit, OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account, LastOffer, OriginFacts
from stream.engine.model.touchpoints import LABELS
from stream.engine.points.balance import AccountView
from stream.engine.points.offer_blocks import Live
from stream.engine.points.reachability import channels_of

_LABELS = frozenset(LABELS.values())


class Reason(NamedTuple):
    """How often a touchpoint happened, and what of the payable points it brought."""

    label: str
    number: int
    points: int


def addressee(account: Account, cause: Cause, rules: RuleSet) -> dict[str, Any]:
    """Who it is for, where and how they can be reached, and by which rules."""
    origins = reachable(account)
    return {
        "consumer_id": cause.key,
        **_union(account, cause.key),
        "origins": [
            {"appid": appid, "openid": openid} for appid, openid in map(origin_parts, origins)
        ],
        "channels": channels_of(account, origins, cause.as_of),
        "ruleset_version": rules.version,
        **marks(cause.control, cause.key, account),
    }


def trigger(touchpoint: int, since: int, cause: Cause) -> dict[str, Any]:
    """What set it off; the event is known while it is the one that is being taken in."""
    body: dict[str, Any] = {"time": format_ms(since)}
    if touchpoint:
        body["touchpoint"] = LABELS[touchpoint]
        if (touchpoint, since) == (cause.touchpoint, cause.time):
            body["event_id"] = cause.id
    return body


def reasons_of(view: AccountView, rules: RuleSet, book: RuleBook) -> tuple[list[Reason], int]:
    """The reasons, most often first, and the payable points for which there is none.

    Each rule's points, and what campaigns add, are its touchpoint's. A rule with steps of several
    has no single one, and touchpoints without a text are not mentioned: their points are the rest.
    """
    earned: dict[int, int] = {}
    for name, granted in view.granted.items():
        rule_id, version = _rule(name)
        judged = book.by_version.get(version)
        rule = judged.rules.get(rule_id) if judged is not None else None
        number = rule.touchpoint if rule is not None and rule.touchpoint is not None else 0
        earned[number] = earned.get(number, 0) + granted - view.expired.get(name, 0)
    counts = sorted(view.touches.items(), key=lambda item: (-item[1], item[0]))
    mentioned = rules.mentioned or _LABELS
    reasons = [
        Reason(LABELS[t], count, earned.get(t, 0))
        for t, count in counts
        if count > 0 and LABELS[t] in mentioned
    ]
    return reasons, view.payable - sum(reason.points for reason in reasons)


def words(
    block: OfferBlock, rules: RuleSet, last: LastOffer, reasons: Sequence[Reason], rest: int
) -> dict[str, Any]:
    """Why, with what, and in words."""
    number = short_number(last.points)
    return {
        "reasons": [
            {"touchpoint": r.label, "count": r.number, "points": r.points} for r in reasons
        ],
        "other_points": rest,
        "benefits": [_benefit(b) for b in block.benefits if b.id in last.benefits],
        "text": {lang: text_of(lang, block, rules, last, reasons) for lang in block.text},
        "short_text": {lang: t.format(points=number) for lang, t in block.short_text.items()},
    }


def _benefit(benefit: Benefit) -> dict[str, Any]:
    body: dict[str, Any] = {"id": benefit.id, "text": dict(benefit.text)}
    if benefit.effect:
        body["effect"] = dict(benefit.effect)
    if benefit.code:
        body["code"] = benefit.code
    return body


def text_of(
    lang: str, block: OfferBlock, rules: RuleSet, offer: LastOffer | Live, reasons: Sequence[Reason]
) -> str:
    """The offer in words."""
    templates = rules.reason_text.get(lang, {})
    spoken = [_spoken(templates.get(r.label, "{count} × " + r.label), r.number) for r in reasons]
    benefits = [b.text.get(lang, b.id) for b in block.benefits if b.id in offer.benefits]
    comma = "、" if lang.startswith("zh") else ", "
    return block.text[lang].format(
        points=f"{offer.points:,}", reasons=comma.join(spoken), benefits=comma.join(benefits)
    )


def short_number(points: int) -> str:
    """A number of points that never takes more characters than the rule checker reckons with."""
    more = "+" if points > SHORT_POINTS_MAX else ""
    return f"{min(points, SHORT_POINTS_MAX):,}{more}"


@lru_cache(maxsize=4096)
def _rule(name: str) -> tuple[str, int]:
    """The rule of a measure, whose points a campaign may add to, and its version."""
    measure, _, version = name.rpartition("@")
    return measure.partition(BONUS)[0], int(version)


@lru_cache(maxsize=10_000)
def _spoken(template: str, count: int) -> str:
    return template.format(count=count)


def _union(account: Account, key: str) -> dict[str, str]:
    """The Union ID of a consumer known by one; a profile of aliases is called like its origin."""
    scope, unionid = scope_of(key), key.rpartition(".")[2]
    if not scope or origin_key(scope, unionid) in account.facts_by_origin:
        return {}
    return {"unionid": unionid, "open_account": scope}


def reachable(account: Account) -> list[str]:
    """The origins in order; of too many, those with the latest facts."""
    origins = [key for key in account.facts_by_origin if key]
    if len(origins) > ORIGINS_IN_OFFER_MAX:
        last = {key: _last_seen(account.facts_by_origin[key]) for key in origins}
        origins = sorted(origins, key=lambda key: (last[key], key))[-ORIGINS_IN_OFFER_MAX:]
    return sorted(origins)


def _last_seen(origin_facts: OriginFacts) -> int:
    archived = origin_facts.archived.latest if origin_facts.archived else 0
    return max(origin_facts.touches.latest, archived)
