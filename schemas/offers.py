"""Topic ``shadow.offers``: offers and payouts for the CRM.

Key: the event's id; subject: the consumer id. The events of one subject are in one partition, in
order. A record without value erases the one with its key (``schemas.erased``). ``as_of`` is the
engine's time of the decision; ``revision`` rises with each message about one offer, so that a
reader keeps the highest. Readers must ignore fields they do not know.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from schemas.base import (
    POINTS_MAX,
    Closed,
    ConsumerId,
    Id,
    MessageId,
    Name,
    Points,
    Time,
    text,
)
from schemas.identifiers import Origin

OFFER_ISSUED = "offer.issued.v1"
OFFER_REVISED = "offer.revised.v1"
OFFER_WITHDRAWN = "offer.withdrawn.v1"
OFFER_LAPSED = "offer.lapsed.v1"
OFFER_ACCEPTED = "offer.accepted.v1"
PAYOUT_ISSUED = "payout.issued.v1"
PAYOUT_CORRECTED = "payout.corrected.v1"

ORIGINS_MAX: Final = 20  # of one consumer in one offer
TEXT_CHARS_MAX: Final = 2000  # of an offer in one language

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
OfferText = Annotated[str, text(TEXT_CHARS_MAX, min_length=1)]


class Grouped(Closed):
    """While an experiment is on: its name, and the group of the consumer as of then.

    ``control`` gets no offers. ``mixed`` are consumers with origins in both groups: they get
    offers; leave them out when you compare the two groups.
    """

    model_config = ConfigDict(
        json_schema_extra={"dependentRequired": {"experiment": ["group"], "group": ["experiment"]}}
    )

    experiment: Name | None = None
    group: Literal["treated", "control", "mixed"] | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.experiment is None) != (self.group is None):
            raise ValueError("experiment and group come together")
        return self


class TouchpointCount(Closed):
    """How often the touchpoint occurred: 37 of ``purchase``, whatever each earned."""

    touchpoint: Name
    count: Annotated[int, Field(ge=0, le=POINTS_MAX)]


class Texts(Closed):
    """The text of the offer, ready to be shown."""

    zh_cn: OfferText = Field(alias="zh-CN")
    en: OfferText


class _Due(Closed):
    """``pending_points`` of the promised ``points`` would be paid later; absent: none.

    A rule with ``pending_days`` lets the return window of a purchase end first. What remains
    then is paid by a supplementary ``payout.issued``.
    """

    pending_points: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None


class _Offer(Grouped):
    offer_id: MessageId
    consumer_id: ConsumerId
    revision: Version


class OfferIssued(_Offer, _Due):
    """Sign up until ``valid_until`` and get ``points``: exactly what an enrolment would pay.

    Of these it pays ``pending_points`` later, as each return window ends, less refunds. When a
    window ends there are fewer of them; the next revision says so.

    ``benefits`` are step ids of the rule set. ``origins`` are where the consumer can be reached; of
    more than 20, the most recently active ones.

    ``reasons`` count touchpoints: also those that earned nothing or exceeded a cap, and those whose
    points have expired since. Full refunds and reversals are not counted, nor are touchpoints
    without a text in the rule set, if it has any.

    A later trigger prolongs the offer at once. This and new ``reasons`` are announced with the next
    change of ``points`` or ``benefits``, or else a day before ``valid_until`` (for an offer of less
    than two days, half its lifetime before). The offer ends with ``offer.lapsed``.
    """

    points: Points
    valid_until: Time
    as_of: Time
    reasons: Annotated[tuple[TouchpointCount, ...], Field(strict=False, max_length=100)]
    benefits: Annotated[tuple[Name, ...], Field(strict=False, max_length=100)] = ()
    text: Texts
    ruleset_version: Version
    origins: Annotated[tuple[Origin, ...], Field(strict=False, max_length=ORIGINS_MAX)]


class OfferRevised(OfferIssued):
    """The live offer changed: this replaces all that was issued before."""


class OfferWithdrawn(_Offer):
    """The offer is withdrawn. ``superseded``: two accounts became one, with a new offer."""

    reason: Literal["below_threshold", "superseded", "consent", "control_group", "rules"]
    as_of: Time


class OfferLapsed(_Offer):
    """The offer has expired."""

    as_of: Time


class OfferAccepted(_Offer, _Due):
    """The consumer enrolled; ``points`` are paid out, ``pending_points`` of them later."""

    points: Points
    member_id: Id
    as_of: Time


class PayoutIssued(Grouped, _Due):
    """Credit ``points`` to the member. ``pending_points`` more are paid later.

    Each enrolment causes one, of 0 points if nothing is due. Later ones are ``supplementary``: for
    an event before ``enrolled_at`` that arrived after the enrolment, or whose return window has
    ended since.
    """

    consumer_id: ConsumerId
    member_id: Id
    points: Points
    supplementary: bool
    enrolled_at: Time
    as_of: Time


class PayoutCorrected(Grouped):
    """Debit the member: a paid-out purchase was refunded. ``points`` is negative.

    Pending points are never debited: they had not been paid.
    """

    consumer_id: ConsumerId
    member_id: Id
    points: Annotated[int, Field(ge=-POINTS_MAX, le=-1)]
    enrolled_at: Time
    as_of: Time
