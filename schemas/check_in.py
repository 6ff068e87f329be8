"""Topic ``event.check-in``: attendance at events, from a ticket system or a code at the door.

A ticket system knows no WeChat ids: the publisher looks them up with the ticket. The buyer of
a ticket may not be its bearer.
"""

from __future__ import annotations

from schemas.base import Id, Time
from schemas.identifiers import AnyIdentifier

ATTENDEE_REGISTERED = "attendee.registered.v1"
ATTENDEE_CHECKED_IN = "attendee.checked_in.v1"
ATTENDEE_CHECKED_OUT = "attendee.checked_out.v1"
CHECK_IN_REVERTED = "check_in.reverted.v1"


class AttendeeRegistered(AnyIdentifier):
    """A ticket was issued."""

    event_id: Id
    ticket_id: Id


class AttendeeCheckedIn(AnyIdentifier):
    """``list_id`` is the check-in list: one ticket may be checked in once on each list."""

    event_id: Id
    list_id: Id
    ticket_id: Id


class AttendeeCheckedOut(AttendeeCheckedIn):
    """The exit which belongs to a check-in."""


class CheckInReverted(AttendeeCheckedIn):
    """A check-in was a mistake. ``checked_in_at`` is the event time of the one taken back."""

    checked_in_at: Time
