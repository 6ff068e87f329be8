"""From an event to messages: which fact it is, whom it concerns, where it must go.

This half of the core keeps no state. It may look at what is stored about an origin, and a stale
look is fine: a message which reaches the wrong account is sent on by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas import Event, Reason, answers, cards, coupons, mini_program, pay, privacy
from schemas.base import Closed
from stream.engine.calendar import DAY_MS
from stream.engine.decision import Send
from stream.engine.directory import Directory
from stream.engine.erasure import forgets
from stream.engine.facts import Fact
from stream.engine.ids import origin_key, payment_key, union_key
from stream.engine.kin import holds, introduce, profile_of
from stream.engine.messages import Arrived, Erase, Paid, Refuse, Unbind
from stream.engine.reading import fact_of, refund_of
from stream.engine.ruleset import RuleBook
from stream.engine.state import Erased, Evidence, Origin
from stream.engine.touchpoints import Touchpoint

#: Event times may be ahead of our clock by that much; producers' clocks differ.
SKEW_MS = 300_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """The event can never be applied as it is: a dead letter."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom an event concerns, by whatever it names."""

    origin: str = ""  # origin key
    claim: str = ""  # union key
    direct: str = ""  # the entity key itself: a consumer id or a payment
    epoch: int = 0  # ms; since when the origin's app has been in the account of ``claim``


#: Events which may carry a Union ID within the account of their app.
_PROOFS = frozenset(
    {
        mini_program.SESSION_LOGGED_IN,
        answers.UNIONID_RESOLVED,
        cards.CARD_ACCEPTED,
        coupons.COUPON_RECEIVED,
    }
)

#: Events which say something besides.
_FURTHER = frozenset({pay.PAYMENT_SUCCEEDED, answers.OPENID_CHANGED, coupons.COUPON_RECEIVED})

_Reader = Callable[[str], Origin | None]


def origin_of(event: Event) -> str | None:
    """The key of the origin whose stored binding :func:`route` will ask for."""
    named = _named(event.data, "origin")
    return origin_key(*named) if named else None


def route(
    event: Event,
    reader: _Reader,
    directory: Directory,
    book: RuleBook,
    recorded_ms: int,
    now_ms: int,
) -> tuple[Send, ...] | Rejected:
    """The messages which an event becomes; the first of several is the one that is counted.

    ``reader`` answers what is known of an origin, be it only that it was erased; ``recorded_ms``
    is when the event reached its topic and ``now_ms`` the clock; both in ms.
    """
    if event.time_ms > now_ms + SKEW_MS:
        return Rejected(
            Reason.IN_FUTURE, "The event time is ahead of now; mend the producer's clock, replay."
        )
    if event.type == pay.REFUND_SUCCEEDED:
        return _refund(event, book, recorded_ms)
    if event.type == privacy.UNBIND_REQUESTED:
        return _unbind(event, directory)
    subject = _subject(event, directory)
    if isinstance(subject, Rejected):
        return subject
    fact = fact_of(event)
    days = _horizon_days(fact, book)
    if fact.time < recorded_ms - days * DAY_MS:
        return _too_late(days)
    if _named(event.data, "is_snapshot_user"):  # ids shared by many people
        return (Send(subject.origin, Refuse("snapshot_user")),)
    known = reader(subject.origin) if subject.origin else None
    if known is not None and forgets(known.erased, fact.time):
        return _erased(event, subject.origin, known.erased)
    send = _address(subject, fact, known)
    return (send, *_further(event, subject, fact, directory)) if event.type in _FURTHER else (send,)


def _further(event: Event, subject: _Subject, fact: Fact, directory: Directory) -> tuple[Send, ...]:
    """What an event says besides that something happened to somebody."""
    data: Any = event.data
    if event.type == answers.OPENID_CHANGED:
        evidence = Evidence(fact.time, fact.event_id, fact.type)
        kin = introduce(origin_key(*data.former), profile_of(subject.origin), evidence)
        return (Send(subject.origin, kin),)
    if event.type == pay.PAYMENT_SUCCEEDED:
        return (Send(payment_key(data.transaction_id), Paid(subject.origin, fact)),)
    if data.transaction_id is None or not subject.claim:
        return ()
    # 支付有礼: whoever paid was given the coupon, under whatever openid they paid.
    touchpoint = Touchpoint.IDENTIFIED
    proof = Fact(f"identified:{fact.key}", fact.type, fact.event_id, fact.time, touchpoint)
    among = directory.apps_in(subject.claim.split(".")[1], fact.time)
    claim = Arrived(proof, claim=subject.claim, epoch=subject.epoch, counted=False, among=among)
    return (Send(payment_key(data.transaction_id), claim),)


def _erased(event: Event, origin: str, erased: Erased | None) -> tuple[Send, ...]:
    """What was erased is refused; a payment's refunds, which name nobody, need not wait for it."""
    assert erased is not None
    refused = Send(origin, Refuse("erased"))
    if event.type != pay.PAYMENT_SUCCEEDED:
        return (refused,)
    transaction = payment_key(event.data.transaction_id)  # type: ignore[attr-defined]
    return refused, Send(transaction, Erase(erased.at, erased.asked))


def _named(data: Closed, name: str) -> Any:
    """What an event has under a name, ``None`` if its type has nothing there."""
    return getattr(data, name) if _has(type(data), name) else None


@lru_cache(maxsize=1024)
def _has(model: type[Closed], name: str) -> bool:
    """Asking a model for what it has not got is slow."""
    return name in model.model_fields or hasattr(model, name)


def _address(subject: _Subject, fact: Fact, known: Origin | None) -> Send:
    if not subject.origin:
        return Send(subject.direct or subject.claim, Arrived(fact))
    # Whom a request means the origin alone knows for sure.
    asks = fact.type in (privacy.ERASE_REQUESTED, privacy.EXPORT_REQUESTED)
    if known and known.bound and not asks and _adds_nothing(known, subject, fact):
        # The claim goes along in case that the origin has been erased in the meantime.
        generation, to = known.generation, known.bound
    else:
        generation, to = 0, subject.origin
    claim, epoch = subject.claim, subject.epoch
    return Send(to, Arrived(fact, subject.origin, claim, generation, epoch=epoch))


def _adds_nothing(known: Origin, subject: _Subject, fact: Fact) -> bool:
    """Whether a claim cannot change a binding: evidence only ever gets earlier."""
    claim = subject.claim
    if not claim:
        return True
    proof = known.evidence.get(claim) if claim == known.bound else None
    return holds(proof, Evidence(fact.time, fact.event_id, fact.type, subject.epoch))


def _subject(event: Event, directory: Directory) -> _Subject | Rejected:
    data: Any = event.data
    if consumer := _named(data, "consumer_id"):
        kind, scope, person = consumer.split(".")
        if kind == "union" and not directory.knows(scope):
            return _Subject(direct=consumer)
        return _Subject(origin=origin_key(scope, person))  # or the profile of its kin
    named = _named(data, "origin")
    if named and not directory.knows(named[0]):
        return _unknown_app("The appid is not in the apps file")
    if event.type == answers.OPENID_CHANGED and not directory.knows(data.former_appid):
        return _unknown_app("The former_appid is not in the apps file")
    claim = _claim(event, named, directory)
    if isinstance(claim, Rejected):
        return claim
    union, epoch = claim
    if not named and not union:
        return _Subject(direct=payment_key(data.transaction_id))
    return _Subject(origin_key(*named) if named else "", union, epoch=epoch)


def _claim(
    event: Event, named: tuple[str, str] | None, directory: Directory
) -> tuple[str, int] | Rejected:
    """The union which an event says its origin is, and since when that can be; "" for none."""
    data: Any = event.data
    if event.type in _PROOFS:
        if data.unionid and not _named(data, "is_snapshot_user"):
            member = directory.membership(data.appid, event.time_ms)
            if member is None:
                return _unknown_app("The appid has no open_account in the apps file")
            return union_key(member.account, data.unionid), member.epoch
    elif union := _named(data, "union"):
        if not directory.has_account(union[0]):
            return _unknown_app("The open_account is not in the apps file")
        if named is None:
            return union_key(*union), 0
        member = directory.membership_in(named[0], union[0])
        if member is None:
            return _unknown_app("The appid does not belong to this open_account in the apps file")
        return union_key(*union), member.epoch
    return "", 0


def _unknown_app(what: str) -> Rejected:
    return Rejected(Reason.UNKNOWN_APP, f"{what}; add it there, then replay this dead letter.")


def _refund(event: Event, book: RuleBook, recorded_ms: int) -> tuple[Send, ...] | Rejected:
    data: Any = event.data
    refunded = refund_of(event)
    if refunded.time < recorded_ms - book.payment_horizon_days * DAY_MS:
        return _too_late(book.payment_horizon_days)
    return (Send(payment_key(data.transaction_id), refunded),)


def _unbind(event: Event, directory: Directory) -> tuple[Send, ...] | Rejected:
    data: Any = event.data
    if not directory.knows(data.appid):
        return _unknown_app("The appid is not in the apps file")
    unbind = Unbind(data.consumer_id, event.id, event.time_ms)
    return (Send(origin_key(*data.origin), unbind),)


def _horizon_days(fact: Fact, book: RuleBook) -> int:
    paid = fact.touchpoint == Touchpoint.PURCHASE
    return book.payment_horizon_days if paid else book.horizon_days


def _too_late(days: int) -> Rejected:
    return Rejected(
        Reason.TOO_LATE,
        f"The event happened more than {days} days before it was published; whether it is a "
        "duplicate can no longer be known.",
    )
