# SPDX-License-Identifier: Apache-2.0
"""Explain a consumer's points: everything behind a balance, in words and numbers.

What is said follows from the stored facts, as the balance does. Times are Shanghai's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from stream.engine.audit.standing import classes_of, nudges_of, progress_of
from stream.engine.identity.aliases import vetoes
from stream.engine.model.birthday import Birthday
from stream.engine.model.calendar import day_of, shanghai
from stream.engine.model.control_group import control_at, marks
from stream.engine.model.facts import DISPUTED_RANK
from stream.engine.model.ids import origin_parts
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import MARK, RuleBook
from stream.engine.model.state import Account, Origin, OriginFacts
from stream.engine.model.touches import Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import (
    AccountView,
    Cut,
    Grant,
    evaluate,
    judge,
    merged_touches,
)
from stream.engine.points.birthdays import stated
from stream.engine.points.kinds import remembered_by
from stream.engine.points.ledger import source_of
from stream.engine.points.offer_blocks import Live, live_offer

_EPOCH = date(1970, 1, 1)
#: A schedule of expiries ends after so many dates; points live for a year or so.
_DATES_MAX = 1_000


def explain(
    key: str,
    entity: Account | Origin,
    book: RuleBook,
    as_of: int,
    origins: Mapping[str, Origin] | None = None,
) -> dict[str, Any]:
    """Everything about one consumer as of ``as_of`` (ms), fit for JSON.

    ``origins`` are those of the account, as far as they are known. An origin which is
    bound has no account: the answer says where it went, ``account`` is ``None``.
    """
    if isinstance(entity, Origin):
        known, account = {key: entity}, entity.account
    else:
        known, account = dict(origins or {}), entity
    names = {name for name in account.facts_by_origin if name} if account else set()
    if isinstance(entity, Origin):
        names.add(key)
    return {
        "consumer_id": key,
        "as_of": shanghai(as_of),
        "origins": [_origin(name, known.get(name)) for name in sorted(names)],
        "account": None if account is None else _account(key, account, book, as_of),
    }


def _origin(key: str, origin: Origin | None) -> dict[str, Any]:
    appid, openid = origin_parts(key)
    origin = origin or Origin()
    known = {**origin.shared, **origin.evidence}
    return {
        "appid": appid,
        "openid": openid,
        "bound_to": origin.bound or None,
        "generation": origin.generation,
        "evidence": [
            {
                "consumer_id": union,
                "type": evidence.type,
                "event_id": evidence.event_id,
                "time": shanghai(evidence.time),
                "vetoed": union in vetoes(origin),
            }
            for union, evidence in sorted(known.items(), key=lambda item: item[1])
        ],
    }


def _account(key: str, account: Account, book: RuleBook, as_of: int) -> dict[str, Any]:
    grants: list[Grant] = []
    result = evaluate(account, book, as_of, grants)
    return {
        "balance": account.posted.balance,
        "touches": _touches(account, result, book, as_of),
        "granted": _by_rule(result.granted),
        "cuts": [_cut(grant, grant.cut) for grant in grants if grant.cut],
        "expired": _by_rule(result.expired),
        "expires": list(_schedule(account, result, book)),
        "pending": [
            {"day": _date(day), "points": points} for day, points in sorted(result.pending.items())
        ],
        "before_horizon": _archived(account.facts_by_origin.values()),
        "consents": [
            {"time": shanghai(c.time), "answer": c.answer.name.lower()} for c in result.consents
        ],
        "birthdays": [
            {"time": shanghai(said.time), **_birthday(said.birthday)}
            for said in stated(account.facts_by_origin.values())
        ],
        "enrolments": _enrolments(account, result),
        "payouts": [
            {"member_id": member, "points": points}
            for member, points in sorted(account.posted.paid.items())
        ],
        "offer": _offer(key, account, result, book, as_of),
        "last_offer": _last_offer(account),
        "invitation": _invitation(account),
        "classes": classes_of(result, book, as_of),
        "progress": progress_of(result, book, as_of),
        "nudges": nudges_of(key, account, result, book, as_of),
        "records": {str(name): count for name, count in sorted(result.outcomes.items())},
    }


def _touches(
    account: Account, result: AccountView, book: RuleBook, as_of: int
) -> list[dict[str, Any]]:
    merged = merged_touches(account.facts_by_origin)
    return [
        {
            "time": shanghai(touch.time),
            "touchpoint": Touchpoint(touch.touchpoint).label,
            "by": sorted(
                o for o, s in account.facts_by_origin.items() if o and marker in s.touches
            ),
            "outcome": _outcome(touch, result, book, as_of),
            "before_caps": _before_caps(touch, book),
            "counts_for": _counts_for(touch, book),
            "paid_fen": touch.fen if touch.touchpoint == Touchpoint.PURCHASE else None,
        }
        for marker, touch in sorted(merged.items(), key=lambda item: (item[1].time, item[0]))
    ]


def _outcome(touch: Touch, result: AccountView, book: RuleBook, as_of: int) -> str:
    """An outcome, or ``void`` (taken back), or ``ahead`` of the clock."""
    refused = touch.rank >= DISPUTED_RANK
    outcome = Outcome.REFUSED if refused else judge(touch.time, result, book)
    if outcome == "applied" and touch.void:
        return "void"
    if outcome == "applied" and touch.time > as_of:
        return "ahead"
    return str(outcome)


def _before_caps(touch: Touch, book: RuleBook) -> list[dict[str, Any]]:
    rules = book.at(touch.time)
    version = rules.version if rules else 0
    return [
        {**source_of(f"{measure}@{version}"), "points": points}
        for measure, points in touch.points
        if not (measure.startswith(MARK) or remembered_by(measure, rules))
    ]


def _counts_for(touch: Touch, book: RuleBook) -> list[str]:
    """The rules that count it together with other days, and so give no points for it alone."""
    rules = book.at(touch.time)
    found = (remembered_by(measure, rules) for measure, _ in touch.points)
    return sorted({rule.id for rule in found if rule is not None})


def _by_rule(points: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {**source_of(name), "points": number} for name, number in sorted(points.items()) if number
    ]


def _cut(grant: Grant, cut: Cut) -> dict[str, Any]:
    """What a cap left of a day's points of one rule."""
    return {
        "day": _date(day_of(grant.at)),
        **source_of(grant.name),
        "limit": cut.limit,
        "per": cut.period,
        "before_caps": cut.points,
        "points": grant.points,
    }


def _schedule(account: Account, result: AccountView, book: RuleBook) -> Iterator[dict[str, Any]]:
    """On which days how many of today's points will expire, if nothing else happens."""
    for _ in range(_DATES_MAX):
        at = result.next_change
        if at is None or result.enrolment is not None:
            return
        later = evaluate(account, book, at)
        if gone := sum(later.expired.values()) - sum(result.expired.values()):
            yield {"day": _date(day_of(at)), "points": gone}
        result = later


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _archived(facts_by_origin: Iterable[OriginFacts]) -> dict[str, int]:
    """Archived touches, by touchpoint."""
    totals: dict[str, int] = {}
    for origin_facts in facts_by_origin:
        for number, count in origin_facts.archived.touches.items() if origin_facts.archived else ():
            label = Touchpoint(number).label
            totals[label] = totals.get(label, 0) + count
    return dict(sorted(totals.items()))


def _birthday(birthday: Birthday) -> dict[str, Any]:
    calendar = "lunar" if birthday.lunar else "solar"
    day = {"month": birthday.month, "day": birthday.day, "calendar": calendar}
    return day | ({"leap_month": True} if birthday.leap else {})


def _enrolments(account: Account, result: AccountView) -> list[dict[str, Any]]:
    found = {
        e
        for origin_facts in account.facts_by_origin.values()
        for e in origin_facts.enrolments.values()
    }
    return [
        {
            "member_id": enrolment.member_id,
            "time": shanghai(enrolment.time),
            "counts": enrolment == result.enrolment,
        }
        for enrolment in sorted(found)
    ]


def _offer(
    key: str, account: Account, result: AccountView, book: RuleBook, as_of: int
) -> dict[str, Any]:
    """The live offer as it is true now, or why there is none; and the group of an experiment."""
    return _offered(key, account, result, book, as_of) | marks(
        control_at(book, as_of), key, account
    )


def _offered(
    key: str, account: Account, result: AccountView, book: RuleBook, as_of: int
) -> dict[str, Any]:
    if result.enrolment is not None:
        return {"live": False, "reason": "member"}
    offer = live_offer(key, account, result, book, as_of)
    if not isinstance(offer, Live):
        return {"live": False, "reason": offer}
    until = shanghai(offer.valid_until)
    return {
        "live": True,
        "block": offer.block,
        "points": offer.points,
        "valid_until": until,
        "benefits": offer.benefits,
    }


def _last_offer(account: Account) -> dict[str, Any] | None:
    """The latest offer that was announced, and how many there were."""
    last = account.last_offer
    if last is None:
        return None
    return {
        "offers": account.offers,
        "offer_id": last.offer_id,
        "revision": last.revision,
        "block": last.block,
        "points": last.points,
        "benefits": last.benefits,
        "valid_until": shanghai(last.valid_until),
        "live": last.live,
    }


def _invitation(account: Account) -> dict[str, Any] | None:
    """The latest invitation to answer the consent question."""
    known = account.invitation
    if known is None:
        return None
    return {
        "invitation_id": known.invitation_id,
        "time": shanghai(known.at),
        "valid_until": shanghai(known.valid_until),
        "open": known.open,
        "granted": known.granted,
    }
