"""Offers: "sign up now for N points". Live or not, and N, follow from the view and ``as_of``.

The cool-down limits how often an offer is announced, never what is true: a fall of N, a withdrawal
and an acceptance are announced at once; a first offer and a rise wait for it. That a later trigger
has prolonged an offer is announced a day before its announced end, whatever the cool-down.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from schemas import format_ms
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.control_group import Group, group_of, marks
from stream.engine.model.decision import Cause, Channel, Publish
from stream.engine.model.ids import digest, origin_parts
from stream.engine.model.limits import ORIGINS_IN_OFFER_MAX
from stream.engine.model.ruleset import ConsentMode, OfferPolicy, RuleBook, RuleSet
from stream.engine.model.state import Account, LastOffer, OriginFacts
from stream.engine.model.touchpoints import LABELS
from stream.engine.points.balance import AccountView, consent_at
from stream.engine.points.balance import evaluate as count
from stream.engine.points.ledger import pending_points


class Live(msgspec.Struct, frozen=True):
    """A live offer: N points until ``valid_until`` (ms), with the benefits reached.

    Of the points, ``pending`` would not be paid at once.
    """

    points: int
    valid_until: int
    benefits: list[str]
    pending: int = 0


def live_offer(
    key: str, account: Account, view: AccountView, book: RuleBook, as_of: int
) -> Live | str:
    """The live offer, or why there is none (a reason of ``offer.withdrawn``, or ``lapsed``)."""
    return _live(key, account, view, book.at(as_of), as_of)


def _live(
    key: str, account: Account, view: AccountView, rules: RuleSet | None, as_of: int
) -> Live | str:
    policy = rules.offers if rules is not None else None
    if rules is None or policy is None:
        return "rules"
    if not may_contact(view, rules, as_of):
        return "consent"
    control = policy.control_group
    if control is not None and group_of(control, key, account) is Group.CONTROL:
        return "control_group"
    payable = view.payable
    if payable < max(1, policy.threshold_points):
        return "below_threshold"
    triggered = view.triggered(policy.triggers)
    if triggered < 0 or triggered + policy.lifetime_ms <= as_of:
        return "lapsed"
    benefits = [b.id for b in policy.benefits if payable >= b.from_points]
    return Live(payable, triggered + policy.lifetime_ms, benefits, view.waiting)


def announce(account: Account, view: AccountView, book: RuleBook, cause: Cause) -> list[Publish]:
    """Publish the difference between the offer that the CRM saw last and the one that holds now.

    Wakes the view where the cool-down delays it.
    """
    last = account.last_offer
    if view.enrolment is not None:
        if last is None or not last.live:
            return []
        last.live = False
        more = {"member_id": view.enrolment.member_id, **pending_points(view)}
        return [_close(account, cause, "accepted", points=max(0, view.payable), **more)]
    if view.payable > 0 and (starts_ms := book.next_change(cause.as_of)):
        view.wake(starts_ms)
    rules = book.at(cause.as_of)
    live = _live(cause.key, account, view, rules, cause.as_of)
    if isinstance(live, str):
        return retract(account, cause, live)
    assert rules is not None
    return _announce_live(account, live, view, rules, cause)


def retract(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """End the live offer, if there is one, without acceptance."""
    last = account.last_offer
    if last is None or not last.live:
        return []
    last.live = False
    if reason == "erased":
        reason = "consent"
    if reason == "lapsed":
        return [_close(account, cause, "lapsed")]
    return [_close(account, cause, "withdrawn", reason=reason)]


def announced_text(
    key: str, account: Account, book: RuleBook, as_of: int, language: str
) -> str | None:
    """The offer that was announced, in words, if it holds as it is at ``as_of`` (ms)."""
    last, rules = account.last_offer, book.at(as_of)
    policy = rules.offers if rules else None
    if last is None or not last.live or policy is None or language not in policy.text:
        return None
    now = count(account, book, as_of)
    live = live_offer(key, account, now, book, as_of)
    if isinstance(live, str) or _must_revise(last, live, as_of):
        return None
    return _text(language, policy, last, _reasons(now, policy))


def _announce_live(
    account: Account, live: Live, view: AccountView, rules: RuleSet, cause: Cause
) -> list[Publish]:
    assert rules.offers is not None
    policy, last = rules.offers, account.last_offer
    quiet_until = last.announced_at + policy.cooldown_ms if last else cause.as_of
    if last and last.live:
        end = _looked_at(last, live, policy)
        if not _must_revise(last, live, cause.as_of) and cause.as_of < end:
            if not _may_revise(last, live):
                view.wake(end)
                return []
            if cause.as_of < quiet_until:
                view.wake(min(quiet_until, end))
                return []
        revision, offer_id, word = last.revision + 1, last.offer_id, "revised"
    else:
        if cause.as_of < quiet_until:
            view.wake(quiet_until)
            return []
        account.offers += 1
        offer_id = digest("offer", cause.key, account.offers, cause.id)
        revision, word = 1, "issued"
    account.last_offer = LastOffer(
        offer_id,
        revision,
        live.points,
        live.benefits,
        live.valid_until,
        announced_at=cause.as_of,
        live=True,
        pending=live.pending,
    )
    view.wake(live.valid_until)
    body = _body(account.last_offer, account, view, policy, cause)
    body["ruleset_version"] = rules.version
    id_ = digest("offer", offer_id, revision)
    return [Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)]


def _looked_at(last: LastOffer, live: Live, policy: OfferPolicy) -> int:
    """When (ms) an offer must be announced again if nothing else happens.

    A longer one a day before its announced end, so that no consumer lets it go meanwhile.
    """
    if live.valid_until <= last.valid_until:
        return last.valid_until
    return last.valid_until - min(DAY_MS, policy.lifetime_ms // 2)


def _must_revise(last: LastOffer, live: Live, as_of: int) -> bool:
    fewer = live.points < last.points or len(live.benefits) < len(last.benefits)
    at_once = live.points - live.pending < last.points - last.pending
    sooner = live.valid_until < last.valid_until  # the payment which triggered it was refunded
    return fewer or at_once or sooner or last.valid_until <= as_of


def _may_revise(last: LastOffer, live: Live) -> bool:
    return live.points != last.points or live.benefits != last.benefits


def may_contact(view: AccountView, rules: RuleSet, as_of: int) -> bool:
    """Whether the consumer may be told of: by the last answer, or what silence means."""
    answer = consent_at(view.consents, as_of) if view.consents else None
    if answer is None:
        return not view.opt_in and rules.consent is ConsentMode.OPT_OUT
    return answer


def _close(account: Account, cause: Cause, word: str, **more: Any) -> Publish:
    last = account.last_offer
    assert last is not None
    last.revision += 1
    body = {
        "offer_id": last.offer_id,
        "consumer_id": cause.key,
        "revision": last.revision,
        "as_of": format_ms(cause.as_of),
        **marks(cause.control, cause.key, account),
        **more,
    }
    id_ = digest("offer", last.offer_id, last.revision)
    return Publish(Channel.OFFERS, f"offer.{word}.v1", id_, cause.key, cause.as_of, body)


def _body(
    last: LastOffer, account: Account, view: AccountView, policy: OfferPolicy, cause: Cause
) -> dict[str, Any]:
    reasons = _reasons(view, policy)
    return {
        "offer_id": last.offer_id,
        "consumer_id": cause.key,
        "revision": last.revision,
        "points": last.points,
        **pending_points(view),
        "valid_until": format_ms(last.valid_until),
        "as_of": format_ms(cause.as_of),
        "reasons": [{"touchpoint": label, "count": count} for label, count in reasons],
        "benefits": last.benefits,
        "text": {lang: _text(lang, policy, last, reasons) for lang in policy.text},
        "origins": [
            {"appid": appid, "openid": openid}
            for appid, openid in map(origin_parts, _reachable(account))
        ],
        **marks(cause.control, cause.key, account),
    }


def _reachable(account: Account) -> list[str]:
    """The origins in order; of too many, those with the latest facts."""
    origins = [key for key in account.facts_by_origin if key]
    if len(origins) > ORIGINS_IN_OFFER_MAX:
        last = {key: _last_seen(account.facts_by_origin[key]) for key in origins}
        origins = sorted(origins, key=lambda key: (last[key], key))[-ORIGINS_IN_OFFER_MAX:]
    return sorted(origins)


def _last_seen(origin_facts: OriginFacts) -> int:
    archived = origin_facts.archived.latest if origin_facts.archived else 0
    return max(origin_facts.touches.latest, archived)


def _reasons(view: AccountView, policy: OfferPolicy) -> list[tuple[str, int]]:
    """How often the consumer was met, by touchpoint, most often first."""
    counts = sorted(view.touches.items(), key=lambda item: (-item[1], item[0]))
    reasons = [(LABELS[number], count) for number, count in counts if count > 0]
    if mentioned := policy.mentioned:
        reasons = [(label, count) for label, count in reasons if label in mentioned]
    return reasons


@lru_cache(maxsize=10_000)
def _spoken(template: str, count: int) -> str:
    return template.format(count=count)


def _text(lang: str, policy: OfferPolicy, last: LastOffer, reasons: list[tuple[str, int]]) -> str:
    templates = policy.reason_text.get(lang, {})
    spoken = [_spoken(templates.get(label, "{count} × " + label), n) for label, n in reasons]
    benefits = [b.text.get(lang, b.id) for b in policy.benefits if b.id in last.benefits]
    comma = "、" if lang.startswith("zh") else ", "
    return policy.text[lang].format(
        points=f"{last.points:,}", reasons=comma.join(spoken), benefits=comma.join(benefits)
    )
