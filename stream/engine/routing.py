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


#: Events which may carry a Union ID within the account of their app.
_PROOFS = frozenset(
    {
        mini_program.SESSION_LOGGED_IN,
        answers.UNIONID_RESOLVED,
        cards.CARD_ACCEPTED,
        coupons.COUPON_RECEIVED,
    }
)

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
    if event.type == pay.PAYMENT_SUCCEEDED:
        transaction = payment_key(event.data.transaction_id)  # type: ignore[attr-defined]
        return send, Send(transaction, Paid(subject.origin, fact))
    return (send,)


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
    if known and known.bound and not asks and _adds_nothing(known, subject.claim, fact):
        # The claim goes along in case that the origin has been erased in the meantime.
        arrived = Arrived(fact, subject.origin, subject.claim, known.generation)
        return Send(known.bound, arrived)
    return Send(subject.origin, Arrived(fact, subject.origin, subject.claim))


def _adds_nothing(known: Origin, claim: str, fact: Fact) -> bool:
    """Whether a claim cannot change a binding: evidence only ever gets earlier."""
    if not claim:
        return True
    evidence = Evidence(fact.time, fact.event_id, fact.type)
    return claim == known.bound and known.evidence[claim] <= evidence


def _subject(event: Event, directory: Directory) -> _Subject | Rejected:
    data: Any = event.data
    if consumer := _named(data, "consumer_id"):
        return (
            _Subject(origin=consumer)
            if consumer.startswith("origin.")
            else _Subject(direct=consumer)
        )
    named, claim = _named(data, "origin"), ""
    if named and not directory.knows(named[0]):
        return _unknown_app("The appid is not in the apps file")
    if event.type in _PROOFS:
        if data.unionid and not _named(data, "is_snapshot_user"):
            account = directory.open_account(data.appid)
            if account is None:
                return _unknown_app("The appid has no open_account in the apps file")
            claim = union_key(account, data.unionid)
    elif union := _named(data, "union"):
        if union[0] not in directory.open_account_by_appid.values():
            return _unknown_app("The open_account is not in the apps file")
        if named and directory.open_account(named[0]) != union[0]:
            return _unknown_app("The appid does not belong to this open_account in the apps file")
        claim = union_key(*union)
    if not named and not claim:
        return _Subject(direct=payment_key(data.transaction_id))
    return _Subject(origin_key(*named) if named else "", claim)


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
