"""Topic ``crm.enrolments``: the CRM reports who joined the loyalty programme."""

from __future__ import annotations

from schemas.base import Id, MessageId
from schemas.identifiers import CustomerIdentifier

MEMBER_ENROLLED = "member.enrolled.v1"


class MemberEnrolled(CustomerIdentifier):
    """``member_id`` is the CRM's own; ``offer_id`` the offer which was taken up, if known.

    The event's ``time`` is the time of enrolment: what happened before it is paid out.
    """

    member_id: Id
    offer_id: MessageId | None = None
