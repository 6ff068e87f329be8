# SPDX-License-Identifier: Apache-2.0
"""Turn an event into messages: find the consumer it is about, and address its fact to them.

This half of the core keeps no state. It may look at what is stored about an origin, and a stale
look is fine: an account forwards a message that should have gone to another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from schemas import Event, Reason, privacy
from schemas.base import Closed
from schemas.registry import SOURCE_OF, SOURCES
from schemas.source import Proof, Role
from stream.engine.identity.aliases import holds, introduce, profile_of
from stream.engine.intake.facts_of_events import fact_of, refund_of
from stream.engine.model.decision import Send
from stream.engine.model.directory import Directory
from stream.engine.model.erased import forgets
from stream.engine.model.facts import Fact
from stream.engine.model.ids import origin_key, payment_key, union_key
from stream.engine.model.messages import Erase, FactReceived, PaymentReported, Refuse, Unbind
from stream.engine.model.reporters import reporter_of
from stream.engine.model.state import Erased, Evidence, Origin
from stream.engine.model.time_checks import Horizons, Rejected, untimely
from stream.engine.model.touchpoints import Touchpoint


@dataclass(frozen=True, slots=True)
class _Subject:
    """The entity that an event is about."""

    origin: str = ""  # origin key
    claim: str = ""  # union key
    direct: str = ""  # the entity key itself: a consumer id or a payment
    epoch: int = 0  # ms; since when the origin's app has been in the account of ``claim``


#: Types that stop, erase or give out: they reach all whom they name, even if these are two people.
REACHES_ALL: Final = frozenset(source.type for source in SOURCES if source.reaches_all)
#: Types that say more than that something happened to a consumer.
_FURTHER: Final = frozenset(
    source.type
    for source in SOURCES
    if source.role is Role.PAYMENT or source.proves & {Proof.PAYER, Proof.ALIAS}
)
_PROOFS: Final = frozenset(source.type for source in SOURCES if Proof.UNION in source.proves)
_REFUNDS: Final = frozenset(source.type for source in SOURCES if source.role is Role.REFUND)

_Reader = Callable[[str], Origin | None]


def origin_of(event: Event) -> str | None:
    """The key of the origin whose stored binding :func:`route` will ask for."""
    named = _named(event.data, "origin")
    return origin_key(*named) if named else None


def route(
    event: Event,
    reader: _Reader,
    directory: Directory,
    horizons: Horizons,
    recorded_ms: int,
    now_ms: int,
) -> tuple[Send, ...] | Rejected:
    """The messages that an event becomes; the first of several is the one that is counted.

    ``reader`` answers what is stored of an origin, or that it was erased; ``recorded_ms`` is when
    the event reached its topic and ``now_ms`` the clock; both in ms.
    """
    late = untimely(event.type, event.data, event.time_ms, horizons, recorded_ms, now_ms)
    if late is not None:
        return late
    if event.type in _REFUNDS:
        return (Send(_payment_of(event), refund_of(event)),)
    if event.type == privacy.UNBIND_REQUESTED:
        return _unbind(event, directory)
    subject = _subject(event, directory)
    if isinstance(subject, Rejected):
        return subject
    fact = fact_of(event)
    if _named(event.data, "is_snapshot_user"):  # ids shared by many people
        return (Send(subject.origin, Refuse("snapshot_user")),)
    known = reader(subject.origin) if subject.origin else None
    if known is not None and forgets(known.erased, fact.time):
        return _erased(event, subject.origin, known.erased)
    send = _address(subject, fact, known)
    if event.type in REACHES_ALL:
        return (send, *_to_others(event, subject, fact))
    return (send, *_further(event, subject, fact, directory)) if event.type in _FURTHER else (send,)


def unlisted(event: Event, directory: Directory) -> Rejected | None:
    """Why :func:`route` would reject an event whatever its time: it names an app not listed."""
    if event.type in _REFUNDS:
        return None
    found = (
        _unbind(event, directory)
        if event.type == privacy.UNBIND_REQUESTED
        else _subject(event, directory)
    )
    return found if isinstance(found, Rejected) else None


def _payment_of(event: Event) -> str:
    """The key of the payment that an event names; "" if it names none."""
    source = SOURCE_OF[event.type]
    number = getattr(event.data, source.payment) if source.payment else None
    return payment_key(number, source.payments) if number else ""


def _further(event: Event, subject: _Subject, fact: Fact, directory: Directory) -> tuple[Send, ...]:
    """What an event says beyond that something happened to a consumer."""
    source, data = SOURCE_OF[event.type], event.data
    if source.role is Role.PAYMENT:
        report = PaymentReported(subject.origin, fact, reporter_of(event))
        return (Send(_payment_of(event), report),)
    if Proof.ALIAS in source.proves:
        evidence = Evidence(fact.time, fact.event_id, fact.type)
        former = origin_key(*_named(data, "former"))
        return (Send(subject.origin, introduce(former, profile_of(subject.origin), evidence)),)
    payment = _payment_of(event)
    if not payment or not subject.claim:
        return ()
    # 支付有礼: the payer was given the coupon, under whatever openid they paid.
    touchpoint = Touchpoint.IDENTIFIED
    proof = Fact(f"identified:{fact.key}", fact.type, fact.event_id, fact.time, touchpoint)
    among = directory.apps_in(subject.claim.split(".")[1], fact.time)
    claim = FactReceived(
        proof, claim=subject.claim, epoch=subject.epoch, counted=False, among=among
    )
    return (Send(payment, claim),)


def _to_others(event: Event, subject: _Subject, fact: Fact) -> tuple[Send, ...]:
    """The same to all others it names, who may be other people: it errs on the side of privacy."""
    data: Any = event.data
    first = subject.origin or subject.direct or subject.claim
    named = [
        origin_key(*data.origin) if data.origin else "",
        union_key(*data.union) if data.union else "",
        _payment_of(event),
    ]
    return tuple(
        Send(key, FactReceived(fact, key if key.startswith("origin.") else "", counted=False))
        for key in named
        if key and key != first
    )


def _erased(event: Event, origin: str, erased: Erased | None) -> tuple[Send, ...]:
    """Refuse what was erased. The refunds of a payment name no person and need not wait for it."""
    assert erased is not None
    refused = Send(origin, Refuse("erased"))
    if SOURCE_OF[event.type].role is not Role.PAYMENT:
        return (refused,)
    return refused, Send(_payment_of(event), Erase(erased.at, erased.asked))


def _named(data: Closed, name: str) -> Any:
    """The attribute of an event, ``None`` if its type has no such attribute."""
    return getattr(data, name) if _has(type(data), name) else None


@lru_cache(maxsize=1024)
def _has(model: type[Closed], name: str) -> bool:
    """Cached: ``getattr`` is slow for an attribute that a pydantic model lacks."""
    return name in model.model_fields or hasattr(model, name)


def _address(subject: _Subject, fact: Fact, known: Origin | None) -> Send:
    if not subject.origin:
        return Send(subject.direct or subject.claim, FactReceived(fact))
    # Only the origin knows for sure whom a request means.
    asks = fact.type in (privacy.ERASE_REQUESTED, privacy.EXPORT_REQUESTED)
    if known and known.bound and not asks and _adds_nothing(known, subject, fact):
        # The claim goes along in case the origin has been erased in the meantime.
        generation, to = known.generation, known.bound
    else:
        generation, to = 0, subject.origin
    claim, epoch = subject.claim, subject.epoch
    return Send(to, FactReceived(fact, subject.origin, claim, generation, epoch=epoch))


def _adds_nothing(known: Origin, subject: _Subject, fact: Fact) -> bool:
    """Whether a claim cannot change a binding: evidence only ever gets earlier."""
    claim = subject.claim
    if not claim:
        return True
    proof = known.evidence.get(claim) if claim == known.bound else None
    return holds(proof, Evidence(fact.time, fact.event_id, fact.type, subject.epoch))


def _subject(event: Event, directory: Directory) -> _Subject | Rejected:
    data: Any = event.data
    named = _named(data, "origin")
    if named and not directory.knows(named[0]):
        return _unknown_app("The appid is not in the apps file")
    if consumer := _named(data, "consumer_id"):
        return _of_consumer(consumer, data, directory)
    former = _named(data, "former")
    if former and not directory.knows(former[0]):
        return _unknown_app("The former_appid is not in the apps file")
    claim = _claim(event, named, directory)
    if isinstance(claim, Rejected):
        return claim
    union, epoch = claim
    if not named and not union:
        return _Subject(direct=_payment_of(event))
    return _Subject(origin_key(*named) if named else "", union, epoch=epoch)


def _of_consumer(consumer: str, data: Any, directory: Directory) -> _Subject | Rejected:
    kind, scope, person = consumer.split(".")
    if data.union and not directory.has_account(data.union[0]):
        return _unknown_app("The open_account is not in the apps file")
    if directory.knows(scope):
        return _Subject(origin=origin_key(scope, person))  # or the profile of its aliases
    if kind == "union" and directory.has_account(scope):
        return _Subject(direct=consumer)
    return _unknown_app("The app or account in consumer_id is not in the apps file")


def _claim(
    event: Event, named: tuple[str, str] | None, directory: Directory
) -> tuple[str, int] | Rejected:
    """The union that an event says its origin is, and since when that can be; "" for none."""
    data: Any = event.data
    if named is not None and _named(data, "unionid") == named[1]:
        return "", 0  # a client that knows only one id and gives it for both
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
    return Rejected(Reason.UNKNOWN_APP, f"{what}; add it there, then send it again.")


def _unbind(event: Event, directory: Directory) -> tuple[Send, ...] | Rejected:
    data: Any = event.data
    if not directory.knows(data.appid):
        return _unknown_app("The appid is not in the apps file")
    unbind = Unbind(data.consumer_id, event.id, event.time_ms)
    return (Send(origin_key(*data.origin), unbind),)
