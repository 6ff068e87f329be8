"""Topic ``crm.enrolments``: the CRM reports who joined the loyalty programme."""

from __future__ import annotations

from schemas.base import Id, MessageId
from schemas.identifiers import CustomerIdentifier
from schemas.source import Role, Source, by_number
from schemas.topics import TOPIC_ENROLMENTS

MEMBER_ENROLLED = "member.enrolled.v1"


class MemberEnrolled(CustomerIdentifier):
    """``member_id`` is the CRM's own; ``offer_id`` the accepted offer, if known.

    The event's ``time`` is the time of enrolment: points earned before it are paid out.
    """

    member_id: Id
    offer_id: MessageId | None = None


SOURCES = (
    Source(
        type=MEMBER_ENROLLED,
        model=MemberEnrolled,
        topics=(TOPIC_ENROLMENTS,),
        role=Role.ENROLMENT,
        key=by_number("member_id"),
        payment="transaction_id",
        people=("openid", "unionid"),
        by_gateway=False,
    ),
)
