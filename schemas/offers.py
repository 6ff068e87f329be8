"""Topic ``shadow.offers``: what a CRM reads. Key: the event's id; subject: the consumer id.

The events of one subject are in one partition, in order. A record without value erases the one
with its key.
``as_of`` is the engine's time of the decision; ``revision`` rises with each message about one
offer, so that a reader keeps the highest. Readers must ignore fields they do not know.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

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

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
OfferText = Annotated[str, text(2000, min_length=1)]


class TouchpointCount(Closed):
    """How often the consumer was met: 37 of ``purchase``."""

    touchpoint: Name
    count: Annotated[int, Field(ge=0, le=POINTS_MAX)]


class Texts(Closed):
    """The offer in words, ready to be shown."""

    zh_cn: OfferText = Field(alias="zh-CN")
    en: OfferText


class _Offer(Closed):
    offer_id: MessageId
    consumer_id: ConsumerId
    revision: Version


class OfferIssued(_Offer):
    """Sign up until ``valid_until`` and get ``points``: exactly what an enrolment would pay.

    ``reasons`` say what earned them, ``benefits`` are step ids of the rule set, ``origins`` the
    apps in which the consumer can be reached.
    """

    points: Points
    valid_until: Time
    as_of: Time
    reasons: Annotated[tuple[TouchpointCount, ...], Field(strict=False, max_length=100)]
    benefits: Annotated[tuple[Name, ...], Field(strict=False, max_length=100)] = ()
    text: Texts
    ruleset_version: Version
    origins: Annotated[tuple[Origin, ...], Field(strict=False, max_length=1000)]


class OfferRevised(OfferIssued):
    """The live offer changed: everything in it replaces what was issued before."""


class OfferWithdrawn(_Offer):
    """The offer no longer stands. ``superseded``: two accounts became one, with a new offer."""

    reason: Literal["below_threshold", "superseded", "consent", "control_group", "rules"]
    as_of: Time


class OfferLapsed(_Offer):
    """Its time ran out."""

    as_of: Time


class OfferAccepted(_Offer):
    """The consumer enrolled; ``points`` is what is paid out."""

    points: Points
    member_id: Id
    as_of: Time


class PayoutIssued(Closed):
    """Credit ``points`` to the member.

    ``supplementary``: for something before ``enrolled_at`` which arrived after the enrolment.
    """

    consumer_id: ConsumerId
    member_id: Id
    points: Annotated[int, Field(ge=1, le=POINTS_MAX)]
    supplementary: bool
    enrolled_at: Time
    as_of: Time


class PayoutCorrected(Closed):
    """Debit the member: what was paid out for has been refunded. ``points`` is negative."""

    consumer_id: ConsumerId
    member_id: Id
    points: Annotated[int, Field(ge=-POINTS_MAX, le=-1)]
    enrolled_at: Time
    as_of: Time
