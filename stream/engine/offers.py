"""Offers: "sign up now for N points". Live or not, and N, are functions of the tally and as_of.

The cool-down limits how often the CRM is told, never what is true: a fall of N, a withdrawal and
an acceptance are told at once; a first offer and a rise wait for it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from schemas import format_ms
from stream.engine.decision import Channel, Publish
from stream.engine.ids import digest, origin_parts
from stream.engine.ledger import Cause
from stream.engine.ruleset import ConsentMode, OfferPolicy, RuleBook, RuleSet
from stream.engine.state import Account, Told
from stream.engine.tally import Tally, standing
from stream.engine.tally import tally as count
from stream.engine.touchpoints import LABELS


class Live(msgspec.Struct, frozen=True):
    """A live offer: N points until ``valid_until`` (ms), with the benefits reached."""

    points: int
    valid_until: int
    benefits: list[str]


def live_offer(key: str, tally: Tally, book: RuleBook, as_of: int) -> Live | str:
    """The live offer, or why there is none (a reason of ``offer.withdrawn``, or ``lapsed``)."""
    return _live(key, tally, tally.payable, book.at(as_of), as_of)


def _live(key: str, tally: Tally, payable: int, rules: RuleSet | None, as_of: int) -> Live | str:
    policy = rules.offers if rules is not None else None
    if rules is None or policy is None:
        return "rules"
    if not _may_contact(tally, rules, as_of):
        return "consent"
    if in_control_group(key, policy.control_group_percent):
        return "control_group"
    if payable < max(1, policy.threshold_points):
        return "below_threshold"
    triggered = tally.triggered(policy.triggers)
    if triggered < 0 or triggered + policy.lifetime_ms <= as_of:
        return "lapsed"
    benefits = [b.id for b in policy.benefits if payable >= b.from_points]
    return Live(payable, triggered + policy.lifetime_ms, benefits)


def in_control_group(key: str, percent: int) -> bool:
    """Whether the consumer is kept without offers, to measure what offers do."""
    if not percent:
        return False
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest()) % 100 < percent


def tell(account: Account, tally: Tally, book: RuleBook, cause: Cause) -> list[Publish]:
    """Bring what the CRM knows to what is true; sets ``tally.next_change`` where it must wait."""
    told = account.told
    if tally.enrolment is not None:
        if told is None or not told.live:
            return []
        told.live = False
        points = max(0, tally.payable)
        member = tally.enrolment.member_id
        return [_close(told, cause, "accepted", points=points, member_id=member)]
    payable = tally.payable
    new_policy = book.next_change(cause.as_of)
    if new_policy is not None and payable > 0:
        tally.wake(new_policy)
    rules = book.at(cause.as_of)
    live = _live(cause.key, tally, payable, rules, cause.as_of)
    if isinstance(live, str):
        if told is None or not told.live:
            return []
        return [withdraw(told, cause, live)]
    assert rules is not None
    return _tell_live(account, live, tally, rules, cause)


def withdraw(told: Told, cause: Cause, reason: str) -> Publish:
    """End a live offer without acceptance."""
    told.live = False
    if reason == "lapsed":
        return _close(told, cause, "lapsed")
    return _close(told, cause, "withdrawn", reason=reason)


def told_text(key: str, account: Account, book: RuleBook, as_of: int, language: str) -> str | None:
    """The offer which the CRM was told of, in words, if it holds as it is at ``as_of`` (ms)."""
    told, rules = account.told, book.at(as_of)
    policy = rules.offers if rules else None
    if told is None or not told.live or policy is None or language not in policy.text:
        return None
    now = count(account, book, as_of)
    live = live_offer(key, now, book, as_of)
    if isinstance(live, str) or _must_revise(told, live, as_of):
        return None
    return _text(language, policy, told, _reasons(now, policy))


def _tell_live(
    account: Account, live: Live, tally: Tally, rules: RuleSet, cause: Cause
) -> list[Publish]:
    assert rules.offers is not None
    policy, told = rules.offers, account.told
    quiet_until = told.told_at + policy.cooldown_ms if told else cause.as_of
    if told and told.live:
        if not _must_revise(told, live, cause.as_of):
            if _may_revise(told, live):
                if cause.as_of < quiet_until:
                    tally.wake(min(quiet_until, told.valid_until))
                    return []
            else:
                tally.wake(told.valid_until)
                return []
        revision, offer_id, word = told.revision + 1, told.offer_id, "revised"
    else:
        if cause.as_of < quiet_until:
            tally.wake(quiet_until)
            return []
        account.offers += 1
        offer_id = digest("offer", cause.key, account.offers, cause.id)
        revision, word = 1, "issued"
    account.told = Told(
        offer_id, revision, live.points, live.benefits, live.valid_until, cause.as_of, True
    )
    tally.wake(live.valid_until)
    body = _body(account.told, account, tally, policy, cause)
    body["ruleset_version"] = rules.version
    id_ = digest("offer", offer_id, revision)
    return [Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)]


def _must_revise(told: Told, live: Live, as_of: int) -> bool:
    fewer = live.points < told.points or len(live.benefits) < len(told.benefits)
    sooner = live.valid_until < told.valid_until  # the payment which triggered it was refunded
    return fewer or sooner or told.valid_until <= as_of


def _may_revise(told: Told, live: Live) -> bool:
    return live.points != told.points or live.benefits != told.benefits


def _may_contact(tally: Tally, rules: RuleSet, as_of: int) -> bool:
    answer = standing(tally.consents, as_of) if tally.consents else None
    if answer is None:
        return not tally.opt_in and rules.consent is ConsentMode.OPT_OUT
    return answer


def _close(told: Told, cause: Cause, word: str, **more: Any) -> Publish:
    told.revision += 1
    body = {
        "offer_id": told.offer_id,
        "consumer_id": cause.key,
        "revision": told.revision,
        "as_of": format_ms(cause.as_of),
        **more,
    }
    id_ = digest("offer", told.offer_id, told.revision)
    return Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)


def _body(
    told: Told, account: Account, tally: Tally, policy: OfferPolicy, cause: Cause
) -> dict[str, Any]:
    reasons = _reasons(tally, policy)
    origins = [key for key in sorted(account.strands) if key]
    return {
        "offer_id": told.offer_id,
        "consumer_id": cause.key,
        "revision": told.revision,
        "points": told.points,
        "valid_until": format_ms(told.valid_until),
        "as_of": format_ms(cause.as_of),
        "reasons": [{"touchpoint": label, "count": count} for label, count in reasons],
        "benefits": told.benefits,
        "text": {lang: _text(lang, policy, told, reasons) for lang in policy.text},
        "origins": [
            {"appid": appid, "openid": openid} for appid, openid in map(origin_parts, origins)
        ],
    }


def _reasons(tally: Tally, policy: OfferPolicy) -> list[tuple[str, int]]:
    """What earned the points, by touchpoint, most often met first."""
    counts = sorted(tally.touches.items(), key=lambda item: (-item[1], item[0]))
    reasons = [(LABELS[number], count) for number, count in counts if count > 0]
    if mentioned := policy.mentioned:
        reasons = [(label, count) for label, count in reasons if label in mentioned]
    return reasons


@lru_cache(maxsize=10_000)
def _spoken(template: str, count: int) -> str:
    return template.format(count=count)


def _text(lang: str, policy: OfferPolicy, told: Told, reasons: list[tuple[str, int]]) -> str:
    templates = policy.reason_text.get(lang, {})
    spoken = [_spoken(templates.get(label, "{count} × " + label), n) for label, n in reasons]
    benefits = [b.text.get(lang, b.id) for b in policy.benefits if b.id in told.benefits]
    comma = "、" if lang.startswith("zh") else ", "
    return policy.text[lang].format(
        points=f"{told.points:,}", reasons=comma.join(spoken), benefits=comma.join(benefits)
    )
