# SPDX-License-Identifier: Apache-2.0
"""Parses pretix's webhooks and tickets, and makes check-in events from them. Pure.

A webhook says that something happened to an order position on a check-in list, but not when; the
position's own list of check-ins says that. For a ticket, a list and a direction the first check-in
counts: every webhook about them makes that same event, in whatever order they come. A check-in
after a reverted one has the next number (``attempt``).
Sources: pretix doc/api/webhooks.rst and doc/api/resources/orders.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Annotated, Any, Final, Literal

import msgspec
import orjson
from pydantic import ValidationError

from schemas import parse_time, time_from_ms, time_ms
from schemas.check_in import (
    ATTEMPTS_MAX,
    ATTENDEE_CHECKED_IN,
    ATTENDEE_CHECKED_OUT,
    CHECK_IN_REVERTED,
    AttendeeCheckedIn,
    AttendeeCheckedOut,
    CheckInReverted,
    attendance_key,
)
from schemas.topics import TOPIC_CHECK_IN
from stream.brand.ticket_shops import Holds, TicketShop
from stream.engine.model.ids import marker
from stream.engine.model.state import Account
from stream.engine.model.touches import Touch
from stream.engine.points.balance import merge_touch
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

CHECKED_IN: Final = "pretix.event.checkin"
REVERTED: Final = "pretix.event.checkin.reverted"

Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Webhook(msgspec.Struct, frozen=True):
    """The fields of a webhook call that are needed here."""

    organizer: Slug
    action: str
    event: Slug | None = None
    orderposition_id: _Number | None = None
    checkin_list: _Number | None = None
    type: Literal["entry", "exit"] | None = None

    @property
    def ref(self) -> TicketRef | None:
        """The ticket and its list; ``None`` unless the webhook is about a check-in."""
        if self.event is None or self.orderposition_id is None or self.checkin_list is None:
            return None
        return TicketRef(self.event, self.checkin_list, self.orderposition_id)


@dataclass(frozen=True, slots=True)
class TicketRef:
    """A ticket on a check-in list of an event."""

    event: str
    list: int
    ticket: int

    @property
    def ids(self) -> dict[str, str]:
        """The fields of an event; ids have no dots, and pretix's slugs have no underscores."""
        event = self.event.replace(".", "_")
        return {"event_id": event, "list_id": str(self.list), "ticket_id": str(self.ticket)}

    @property
    def name(self) -> str:
        """The common part of the ids of its events."""
        return f"pretix:{self.event}:{self.list}:{self.ticket}"


class _CheckIn(msgspec.Struct, frozen=True):
    list: int
    datetime: str
    type: str = "entry"  # older versions of pretix have no other


class _Answer(msgspec.Struct, frozen=True):
    answer: str
    question_identifier: str = ""


class Ticket(msgspec.Struct, frozen=True):
    """The fields of an order position that are needed here."""

    checkins: tuple[_CheckIn, ...] = ()
    answers: tuple[_Answer, ...] = ()

    def times(self, list_: int, type_: str) -> list[datetime]:
        """When it was checked in on a list, earliest first; raises ``ValueError``."""
        found = (c for c in self.checkins if c.list == list_ and c.type == type_)
        return sorted(parse_time(c.datetime) for c in found)

    def answer(self, question: str) -> str:
        """The answer to a question, ``""`` if there is none."""
        found = (a.answer.strip() for a in self.answers if a.question_identifier == question)
        return next(found, "")


def read_webhook(body: bytes) -> Webhook:
    """Raises ``DeliveryRejected``."""
    try:
        return msgspec.convert(orjson.loads(body), Webhook)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        raise DeliveryRejected(
            RejectReason.MALFORMED, "The body is not a pretix webhook call."
        ) from None


def read_ticket(tree: dict[str, Any]) -> Ticket | None:
    """Parse an order position of pretix's API, ``None`` if it is none."""
    try:
        ticket = msgspec.convert(tree, Ticket)
        for check_in in ticket.checkins:
            parse_time(check_in.datetime)
    except (msgspec.ValidationError, ValueError):
        return None
    return ticket


def identity(
    ticket: Ticket, shop: TicketShop, tokens: SessionTokens | None
) -> dict[str, str] | None:
    """The fields that identify the visitor, ``None`` if the ticket does not.

    A token in a ticket is valid even after its session has expired: it says who bought the ticket.
    """
    answer = ticket.answer(shop.question)
    if not answer:
        return None
    if shop.holds is Holds.SESSION_TOKEN:
        session = tokens.open(answer) if tokens else None
        return {"appid": session.appid, "openid": session.openid} if session else None
    if shop.holds is Holds.OPENID:
        return {"appid": shop.appid or "", "openid": answer}
    return {"open_account": shop.open_account or "", "unionid": answer}


def check_in_event(
    webhook: Webhook, ref: TicketRef, ticket: Ticket, who: dict[str, str], attempt: int = 1
) -> OutboundEvent | None:
    """The first entry or exit of the ticket on the list; ``None`` if pretix lists none."""
    type_ = webhook.type or "entry"
    times = ticket.times(ref.list, type_)
    if not times:
        return None
    at = times[0]
    model = AttendeeCheckedOut if type_ == "exit" else AttendeeCheckedIn
    name = ATTENDEE_CHECKED_OUT if type_ == "exit" else ATTENDEE_CHECKED_IN
    again: dict[str, Any] = {"attempt": attempt} if attempt > 1 else {}
    id_ = ":".join([ref.name, type_, str(time_ms(at)), *map(str, again.values())])
    return OutboundEvent(TOPIC_CHECK_IN, name, id_, at, model.model_validate(who | ref.ids | again))


def known_attempts(
    account: Account | None, ref: TicketRef, who: dict[str, str]
) -> dict[int, Touch]:
    """The check-ins of the ticket on the list that the account has, by attempt number."""
    if account is None:
        return {}
    found: dict[int, Touch] = {}
    for number in range(1, ATTEMPTS_MAX + 1):
        check_in = AttendeeCheckedIn.model_validate(who | ref.ids | {"attempt": number})
        key = marker(attendance_key(check_in, ATTENDEE_CHECKED_IN))
        copies = [
            origin_facts.touches.get(key) for origin_facts in account.facts_by_origin.values()
        ]
        if known := [touch for touch in copies if touch is not None]:
            found[number] = reduce(merge_touch, known)
    return found


def next_attempt(known: dict[int, Touch], ticket: Ticket, ref: TicketRef) -> int:
    """The number of the check-in that pretix lists: one more than the last reverted one."""
    over = [n for n, touch in known.items() if touch.void or not _listed(touch, ticket, ref)]
    return min(max(over, default=0) + 1, ATTEMPTS_MAX)


def reverted_check_ins(
    known: dict[int, Touch], ref: TicketRef, ticket: Ticket, who: dict[str, str], now_ms: int
) -> Iterator[OutboundEvent]:
    """Reversals of the check-ins that the account has and pretix lists no longer.

    pretix deletes a reverted check-in with its time; the account still has the time.
    """
    for number, touch in known.items():
        if _listed(touch, ticket, ref):
            continue
        back = {"checked_in_at": time_from_ms(touch.time), "attempt": number}
        data = CheckInReverted.model_validate(who | ref.ids | back)
        id_ = f"{ref.name}:reverted:{touch.time}"
        yield OutboundEvent(TOPIC_CHECK_IN, CHECK_IN_REVERTED, id_, time_from_ms(now_ms), data)


def _listed(touch: Touch, ticket: Ticket, ref: TicketRef) -> bool:
    return touch.time in map(time_ms, ticket.times(ref.list, "entry"))


def is_not_an_id(who: dict[str, str]) -> bool:
    """Whether the answer cannot be an id: a placeholder, or text that somebody typed."""
    try:
        AttendeeCheckedIn.model_validate(who | {"event_id": "e", "list_id": "l", "ticket_id": "t"})
    except ValidationError:
        return True
    return False
