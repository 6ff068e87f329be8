"""From an event to messages: which fact it is, whom it concerns, where it must go.

This half of the core keeps no state. It may look at what is stored about an origin, and a stale
look is fine: a message which reaches the wrong account is sent on by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from schemas import Event, Reason, check_in, crm, mini_program, pay, privacy
from schemas import official_account as oa
from schemas.base import Closed, time_ms
from stream.engine.calendar import DAY_MS
from stream.engine.decision import Send
from stream.engine.directory import Directory
from stream.engine.erasure import forgets
from stream.engine.facts import Fact
from stream.engine.fields import FIELDS
from stream.engine.ids import origin_key, payment_key, union_key
from stream.engine.messages import Arrived, Erase, Paid, Refunded, Refuse, Unbind
from stream.engine.ruleset import RuleBook, Value
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


#: About a person, and no touchpoint.
_REQUESTS = frozenset(
    {
        privacy.CONSENT_GRANTED,
        privacy.CONSENT_WITHDRAWN,
        privacy.ERASE_REQUESTED,
        privacy.EXPORT_REQUESTED,
    }
)

_Reader = Callable[[str], Origin | None]
_Key = Callable[[Event], str]


def _of_instant(event: Event) -> str:
    # WeChat's own advice (FromUserName + CreateTime), which has a resolution of a second;
    # type and key tell two pushes of one second apart.
    data: Any = event.data
    where = getattr(data, "event_key", None) or ""
    return f"{event.type}:{data.appid}:{data.openid}:{event.time_ms}:{where}"


def _of_id(event: Event) -> str:
    return f"{event.type}:{event.source}:{event.id}"


def _of_field(name: str) -> _Key:
    def key(event: Event) -> str:
        data: Any = event.data
        return f"{event.type}:{data.appid}:{data.openid}:{getattr(data, name)}"

    return key


def _of_attendance(event: Event) -> str:
    return _attendance(event.data, event.type, event.time_ms)


def _attendance(data: Any, type_: str, at_ms: int) -> str:
    return f"{type_}:{data.event_id}:{data.list_id}:{data.ticket_id}:{at_ms}"


def _of_registration(event: Event) -> str:
    data: Any = event.data
    return f"{event.type}:{data.event_id}:{data.ticket_id}"


#: Event type -> the touchpoint it stands for, and what makes two of them the same event.
_TOUCHPOINTS: dict[str, tuple[Touchpoint, _Key]] = {
    oa.ACCOUNT_FOLLOWED: (Touchpoint.FOLLOW, _of_instant),
    oa.ACCOUNT_UNFOLLOWED: (Touchpoint.UNFOLLOW, _of_instant),
    oa.QRCODE_SCANNED: (Touchpoint.SCAN, _of_instant),
    oa.MENU_CLICKED: (Touchpoint.MENU_CLICK, _of_instant),
    oa.LINK_VIEWED: (Touchpoint.LINK_VIEW, _of_instant),
    oa.MESSAGE_RECEIVED: (Touchpoint.MESSAGE, _of_field("msg_id")),
    mini_program.SESSION_LOGGED_IN: (Touchpoint.LOGIN, _of_id),
    mini_program.PAGE_VIEWED: (Touchpoint.PAGE_VIEW, _of_id),
    mini_program.PRODUCT_VIEWED: (Touchpoint.PRODUCT_VIEW, _of_id),
    mini_program.CART_ADDED: (Touchpoint.ADD_TO_CART, _of_id),
    mini_program.ORDER_PLACED: (Touchpoint.ORDER, _of_field("order_id")),
    mini_program.CONTENT_SHARED: (Touchpoint.SHARE, _of_id),
    mini_program.LIVESTREAM_WATCHED: (Touchpoint.LIVE_STREAM, _of_id),
    mini_program.CONTENT_UPLOADED: (Touchpoint.UPLOAD, _of_field("content_id")),
    check_in.ATTENDEE_REGISTERED: (Touchpoint.REGISTRATION, _of_registration),
    check_in.ATTENDEE_CHECKED_IN: (Touchpoint.CHECK_IN, _of_attendance),
    check_in.ATTENDEE_CHECKED_OUT: (Touchpoint.CHECK_OUT, _of_attendance),
}


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
    fact = _fact(event)
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
    named, claim = data.origin, ""
    if named and not directory.knows(named[0]):
        return _unknown_app("The appid is not in the apps file")
    if event.type == mini_program.SESSION_LOGGED_IN:
        if data.unionid and not data.is_snapshot_user:
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


def _fact(event: Event) -> Fact:
    data: Any = event.data
    if event.type == pay.PAYMENT_SUCCEEDED:
        return Fact(
            key=f"payment:{data.transaction_id}",
            type=event.type,
            event_id=event.id,
            time=time_ms(data.success_time),
            touchpoint=Touchpoint.PURCHASE,
            fields=_payment_fields(data),
        )
    if event.type == crm.MEMBER_ENROLLED:
        key = f"{event.type}:{data.member_id}"
        return Fact(key, event.type, event.id, event.time_ms, member_id=data.member_id)
    if event.type in _REQUESTS:
        return Fact(_of_id(event), event.type, event.id, event.time_ms)
    if event.type == check_in.CHECK_IN_REVERTED:
        at = time_ms(data.checked_in_at)
        return Fact(
            key=_attendance(data, check_in.ATTENDEE_CHECKED_IN, at),
            type=event.type,
            event_id=event.id,
            time=at,
            touchpoint=Touchpoint.CHECK_IN,
            fields=_fields(Touchpoint.CHECK_IN, data),
            rank=1,
            reversal=True,
        )
    touchpoint, key_of = _TOUCHPOINTS[event.type]
    return Fact(
        key=key_of(event),
        type=event.type,
        event_id=event.id,
        time=event.time_ms,
        touchpoint=touchpoint,
        fields=_fields(touchpoint, data),
    )


def _fields(touchpoint: Touchpoint, data: Any) -> dict[str, Value]:
    values = ((name, getattr(data, name, None)) for name in FIELDS[touchpoint])
    return {name: value for name, value in values if value is not None}


def _payment_fields(data: Any) -> dict[str, Value]:
    partner = isinstance(data, pay.PartnerPayment)
    fields: dict[str, Value | None] = {
        "appid": data.origin[0],
        "mchid": data.sub_mchid if partner else data.mchid,
        "total_fen": data.amount.total,
        "payer_total_fen": data.amount.payer_total,
        "trade_type": data.trade_type,
        "attach": data.attach,
        "device_id": data.scene_info.device_id if data.scene_info else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _refund(event: Event, book: RuleBook, recorded_ms: int) -> tuple[Send, ...] | Rejected:
    data: Any = event.data
    at = time_ms(data.success_time)
    if at < recorded_ms - book.payment_horizon_days * DAY_MS:
        return _too_late(book.payment_horizon_days)
    amount = data.amount
    refunded = Refunded(data.refund_id, event.id, at, amount.refund, amount.payer_refund)
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
