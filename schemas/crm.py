# SPDX-License-Identifier: Apache-2.0
"""Topic ``crm.enrolments``: the CRM reports who joined the programme, and birthdays."""

from __future__ import annotations

from calendar import monthrange
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Id, MessageId
from schemas.identifiers import CustomerIdentifier
from schemas.source import Role, Source, by_id, by_number
from schemas.topics import TOPIC_ENROLMENTS

MEMBER_ENROLLED = "member.enrolled.v1"
BIRTHDAY_REPORTED = "birthday.reported.v1"


class MemberEnrolled(CustomerIdentifier):
    """``member_id`` is the CRM's own; ``offer_id`` the accepted offer, if known.

    The event's ``time`` is the time of enrolment: points earned before it are paid out.
    """

    member_id: Id
    offer_id: MessageId | None = None


class BirthdayReported(CustomerIdentifier):
    """A month and a day, without the year: nothing else of a birthday is kept.

    ``calendar`` says by which one it is celebrated; ``leap_month``: in a lunar leap month. A later
    report corrects the one before.
    """

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    calendar: Literal["solar", "lunar"] = "solar"
    leap_month: bool = False

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.calendar == "solar" and self.leap_month:
            raise ValueError("leap_month is of the lunar calendar")
        most = 30 if self.calendar == "lunar" else monthrange(_LEAP_YEAR, self.month)[1]
        if self.day > most:
            raise ValueError(f"no month {self.month} of the {self.calendar} calendar is so long")
        return self


#: The 29th of February is a birthday, too.
_LEAP_YEAR: Final = 2024


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
    Source(
        type=BIRTHDAY_REPORTED,
        model=BirthdayReported,
        topics=(TOPIC_ENROLMENTS,),
        role=Role.BIRTHDAY,
        key=by_id,
        payment="transaction_id",
        people=("openid", "unionid"),
        by_gateway=False,
    ),
)
