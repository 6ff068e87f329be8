"""What pretix says of a ticket, and the check-ins which follow from it. Pure.

A webhook says that something happened to an order position on a check-in list, not when; so the
position's own list of check-ins decides. Of a ticket, a list and a direction the first check-in
counts: that one event is made of every webhook about them, however often and in whatever order
they come. Sources: pretix doc/api/webhooks.rst and doc/api/resources/orders.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import orjson
from pydantic import ValidationError

from schemas import parse_time, time_from_ms, time_ms
from schemas.check_in import (
    ATTENDEE_CHECKED_IN,
    ATTENDEE_CHECKED_OUT,
    CHECK_IN_REVERTED,
    AttendeeCheckedIn,
    AttendeeCheckedOut,
    CheckInReverted,
)
from schemas.registry import TOPIC_CHECK_IN
from stream.engine.ids import marker
from stream.engine.reading import attendance_key
from stream.engine.state import Account
from stream.engine.tally import merged_touches
from stream.engine.touchpoints import Touchpoint
from stream.gateway.doors.shops import Holds, TicketShop
from stream.gateway.doors.tokens import Tokens
from stream.wechat.heard import NotHeard, Outgoing, Refusal

CHECKED_IN: Final = "pretix.event.checkin"
REVERTED: Final = "pretix.event.checkin.reverted"

Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Webhook(msgspec.Struct, frozen=True):
    """A call of pretix; only what is needed of it."""

    organizer: Slug
    action: str
    event: Slug | None = None
    orderposition_id: _Number | None = None
    checkin_list: _Number | None = None
    type: Literal["entry", "exit"] | None = None

    @property
    def place(self) -> Place | None:
        """Which ticket on which list; ``None`` unless it is about a check-in."""
        if self.event is None or self.orderposition_id is None or self.checkin_list is None:
            return None
        return Place(self.event, self.checkin_list, self.orderposition_id)


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket on a check-in list of an event."""

    event: str
    list: int
    ticket: int

    @property
    def ids(self) -> dict[str, str]:
        """As our events name it: an id of ours has no dot, and a slug of pretix no underscore."""
        event = self.event.replace(".", "_")
        return {"event_id": event, "list_id": str(self.list), "ticket_id": str(self.ticket)}

    @property
    def name(self) -> str:
        """Part of the ids of its events."""
        return f"pretix:{self.event}:{self.list}:{self.ticket}"


class _CheckIn(msgspec.Struct, frozen=True):
    list: int
    datetime: str
    type: str = "entry"  # older versions of pretix know no other


class _Answer(msgspec.Struct, frozen=True):
    answer: str
    question_identifier: str = ""


class Ticket(msgspec.Struct, frozen=True):
    """An order position; only what is needed of it."""

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
    """Raises ``NotHeard``."""
    try:
        return msgspec.convert(orjson.loads(body), Webhook)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        raise NotHeard(Refusal.MALFORMED, "The body is no call of a pretix webhook.") from None


def read_ticket(tree: dict[str, Any]) -> Ticket | None:
    """An order position in pretix's words, ``None`` if it is none."""
    try:
        ticket = msgspec.convert(tree, Ticket)
        for check_in in ticket.checkins:
            parse_time(check_in.datetime)
    except (msgspec.ValidationError, ValueError):
        return None
    return ticket


def identity(ticket: Ticket, shop: TicketShop, tokens: Tokens | None) -> dict[str, str] | None:
    """The fields which name the visitor, ``None`` if the ticket does not say who it is.

    A token in a ticket names somebody even when its session is over: it says who bought.
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
    webhook: Webhook, place: Place, ticket: Ticket, who: dict[str, str]
) -> Outgoing | None:
    """The first entry or exit of the ticket on the list; ``None`` if there is none by now."""
    type_ = webhook.type or "entry"
    times = ticket.times(place.list, type_)
    if not times:
        return None
    at = times[0]
    model = AttendeeCheckedOut if type_ == "exit" else AttendeeCheckedIn
    name = ATTENDEE_CHECKED_OUT if type_ == "exit" else ATTENDEE_CHECKED_IN
    id_ = f"{place.name}:{type_}:{time_ms(at)}"
    return Outgoing(TOPIC_CHECK_IN, name, id_, at, model.model_validate(who | place.ids))


def taken_back(
    account: Account, place: Place, ticket: Ticket, who: dict[str, str], now_ms: int
) -> Iterator[Outgoing]:
    """What the engine counts of the ticket on the list, and pretix has no longer.

    pretix deletes a check-in which it reverts, and its time with it. The account has the time: a
    touch is this ticket's if the key of the check-in at its time is the key it is stored under.
    """
    listed = {time_ms(at) for at in ticket.times(place.list, "entry")}
    told = AttendeeCheckedIn.model_validate(who | place.ids)
    for stored, touch in sorted(merged_touches(account.strands).items()):
        if touch.touchpoint != Touchpoint.CHECK_IN or touch.time in listed:
            continue
        if stored == marker(attendance_key(told, ATTENDEE_CHECKED_IN, touch.time)):
            at = time_from_ms(touch.time)
            data = CheckInReverted.model_validate(who | place.ids | {"checked_in_at": at})
            id_ = f"{place.name}:reverted:{touch.time}"
            yield Outgoing(TOPIC_CHECK_IN, CHECK_IN_REVERTED, id_, time_from_ms(now_ms), data)


def names_nobody(who: dict[str, str]) -> bool:
    """Whether the answer cannot be an id: a placeholder, or something which was typed in."""
    try:
        AttendeeCheckedIn.model_validate(who | {"event_id": "e", "list_id": "l", "ticket_id": "t"})
    except ValidationError:
        return True
    return False
