# SPDX-License-Identifier: Apache-2.0
"""Topic ``event.check-in``: attendance at events, from a ticket system or a code at the entrance.

A ticket system has no WeChat ids: the publisher looks them up with the ticket. The buyer of a
ticket may not be its holder.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from schemas.base import Id, Time
from schemas.identifiers import AnyIdentifier
from schemas.source import Role, Source, by_number
from schemas.topics import TOPIC_CHECK_IN
from schemas.touchpoints import Touchpoint

if TYPE_CHECKING:
    from schemas.event import Event

ATTENDEE_REGISTERED = "attendee.registered.v1"
ATTENDEE_CHECKED_IN = "attendee.checked_in.v1"
ATTENDEE_CHECKED_OUT = "attendee.checked_out.v1"
CHECK_IN_REVERTED = "check_in.reverted.v1"

ATTEMPTS_MAX = 9  # check-ins of one ticket on one list, all but the last of them taken back


class AttendeeRegistered(AnyIdentifier):
    """A ticket was issued."""

    event_id: Id
    ticket_id: Id


class AttendeeCheckedIn(AnyIdentifier):
    """``list_id`` is the check-in list: one ticket is checked in once on each list.

    A repeated report, at whatever time, is the same check-in, and the earliest time counts. Only
    a reversed check-in may be followed by another: ``attempt`` is 1 for the first (and if absent),
    2 after the first reversal, and so on.
    """

    event_id: Id
    list_id: Id
    ticket_id: Id
    attempt: Annotated[int, Field(ge=1, le=ATTEMPTS_MAX)] | None = None


class AttendeeCheckedOut(AttendeeCheckedIn):
    """The exit for a check-in: also once for each attempt of a ticket on a list."""


class CheckInReverted(AttendeeCheckedIn):
    """A check-in was a mistake: the ``attempt`` of the ticket on the list is void permanently.

    ``checked_in_at`` is the event time of the reversed check-in.
    """

    checked_in_at: Time


def attendance_key(data: Any, type_: str) -> str:
    """The business key of a check-in or a check-out: one for each attempt of a ticket on a list."""
    return f"{type_}:{data.event_id}:{data.list_id}:{data.ticket_id}:{data.attempt or 1}"


def _by_attendance(event: Event) -> str:
    return attendance_key(event.data, event.type)


def _by_check_in(event: Event) -> str:
    return attendance_key(event.data, ATTENDEE_CHECKED_IN)


def _checked_in_at(data: CheckInReverted) -> datetime:
    return data.checked_in_at


SOURCES = (
    Source(
        type=ATTENDEE_REGISTERED,
        model=AttendeeRegistered,
        topics=(TOPIC_CHECK_IN,),
        touchpoint=Touchpoint.REGISTRATION,
        key=by_number("event_id", "ticket_id"),
        fields={"event_id": str},
        people=("openid", "unionid"),
    ),
    Source(
        type=ATTENDEE_CHECKED_IN,
        model=AttendeeCheckedIn,
        topics=(TOPIC_CHECK_IN,),
        touchpoint=Touchpoint.CHECK_IN,
        key=_by_attendance,
        fields={"event_id": str, "list_id": str},
        people=("openid", "unionid"),
    ),
    Source(
        type=ATTENDEE_CHECKED_OUT,
        model=AttendeeCheckedOut,
        topics=(TOPIC_CHECK_IN,),
        touchpoint=Touchpoint.CHECK_OUT,
        key=_by_attendance,
        fields={"event_id": str, "list_id": str},
        people=("openid", "unionid"),
    ),
    Source(
        type=CHECK_IN_REVERTED,
        model=CheckInReverted,
        topics=(TOPIC_CHECK_IN,),
        role=Role.REVERSAL,
        touchpoint=Touchpoint.CHECK_IN,
        key=_by_check_in,
        fields={"event_id": str, "list_id": str},
        happened=_checked_in_at,
        people=("openid", "unionid"),
    ),
)
