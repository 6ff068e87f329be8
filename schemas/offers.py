# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.offers``: offers, invitations to consent, and payouts for the CRM.

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
    PersonId,
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
CONSENT_INVITED = "consent.invited.v1"
CONSENT_INVITATION_CLOSED = "consent.invitation_closed.v1"
PAYOUT_ISSUED = "payout.issued.v1"
PAYOUT_CORRECTED = "payout.corrected.v1"

ORIGINS_MAX: Final = 20  # of one consumer in one offer
CHANNELS_MAX: Final = 80  # of all of them together
TEXT_CHARS_MAX: Final = 2000  # of an offer in one language
SHORT_CHARS_MAX: Final = 20  # of a value ``thing`` in WeChat's subscription messages
SHORT_POINTS_MAX: Final = 9_999_999  # as a short text has them; more are "9,999,999+"

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
OfferText = Annotated[str, text(TEXT_CHARS_MAX, min_length=1)]
ShortText = Annotated[str, text(SHORT_CHARS_MAX, min_length=1)]


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


class ShortTexts(Closed):
    """The text in at most 20 characters, for a notice of WeChat's (``thing``)."""

    zh_cn: ShortText = Field(alias="zh-CN")
    en: ShortText


class Reason(TouchpointCount):
    """How often a touchpoint occurred, and what it brought of the offered ``points``."""

    points: Annotated[int, Field(ge=0, le=POINTS_MAX)]


class BenefitTexts(Closed):
    """What a benefit is called."""

    zh_cn: OfferText = Field(alias="zh-CN")
    en: OfferText


class Effect(Closed):
    """What a benefit does, as the rule set says: one of these."""

    percent_off: Annotated[int, Field(ge=1, le=100)] | None = None
    fen_off: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None
    gifts: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None


class Benefit(Closed):
    """A benefit that comes with the offer. ``code`` is what the CRM calls it."""

    id: Name
    text: BenefitTexts
    effect: Effect | None = None
    code: Id | None = None


class Trigger(Closed):
    """What set the offer off, and when; without ``touchpoint`` it was silence.

    ``event_id`` is there if this very event caused the message.
    """

    touchpoint: Name | None = None
    time: Time
    event_id: MessageId | None = None


class Channel(Origin):
    """A way to the consumer that is open as of ``as_of``. More kinds may come.

    ``follower``: of the Official Account ``appid``. ``service_window``: customer-service messages
    may be sent until ``until``. ``subscription``: ``left`` notices of the template may be sent.
    ``mini_program``: nothing can be sent, but the next visit can show it.
    """

    channel: Name
    until: Time | None = None
    template_id: Id | None = None
    left: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None
    last_visit: Time | None = None


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


class _Addressed(Grouped):
    """``unionid`` and ``open_account`` are there where the consumer is known by a Union ID.

    ``origins`` are where the consumer is known; of more than 20, the most recently active ones.
    ``channels`` are what can still be used of them; none: only the next interaction can carry it.
    ``cause`` is the event because of which the message comes now, as the ledger has it.
    """

    consumer_id: ConsumerId
    unionid: PersonId | None = None
    open_account: Id | None = None
    origins: Annotated[tuple[Origin, ...], Field(strict=False, max_length=ORIGINS_MAX)]
    channels: Annotated[tuple[Channel, ...], Field(strict=False, max_length=CHANNELS_MAX)]
    ruleset_version: Version
    cause: MessageId
    trigger: Trigger
    valid_until: Time
    as_of: Time


class OfferIssued(_Offer, _Addressed, _Due):
    """Sign up until ``valid_until`` and get ``points``: exactly what an enrolment would pay.

    Of these it pays ``pending_points`` later, as each return window ends, less refunds. When a
    window ends there are fewer of them; the next revision says so.

    ``block`` is the block of the rule set that makes it: the first one that fits. Another block may
    take its place, which revises the offer.

    ``reasons`` count touchpoints: also those that earned nothing or exceeded a cap, and those whose
    points have expired since. Full refunds and reversals are not counted, nor are touchpoints
    without a text in the rule set, if it has any. The ``points`` of all reasons, after caps and
    without what expired, and ``other_points`` are together the offered ``points``.

    ``invitation_id``: the consumer agreed upon this invitation.

    A later trigger prolongs the offer at once. This and new ``reasons`` are announced with the next
    change of ``points`` or ``benefits``, or else a day before ``valid_until`` (for an offer of less
    than two days, half its lifetime before). The offer ends with ``offer.lapsed``.
    """

    block: Name
    points: Points
    reasons: Annotated[tuple[Reason, ...], Field(strict=False, max_length=100)]
    other_points: Annotated[int, Field(ge=0, le=POINTS_MAX)]
    benefits: Annotated[tuple[Benefit, ...], Field(strict=False, max_length=100)] = ()
    text: Texts
    short_text: ShortTexts
    invitation_id: MessageId | None = None


class OfferRevised(OfferIssued):
    """The live offer changed: this replaces all that was issued before."""


class OfferWithdrawn(_Offer):
    """The offer is withdrawn. ``superseded``: two accounts became one, with a new offer.

    ``audience``: no block of the rule set is for this consumer any more.
    """

    reason: Literal[
        "audience", "below_threshold", "superseded", "consent", "control_group", "rules"
    ]
    as_of: Time


class OfferLapsed(_Offer):
    """The offer has expired."""

    as_of: Time


class OfferAccepted(_Offer, _Due):
    """The consumer enrolled; ``points`` are paid out, ``pending_points`` of them later."""

    points: Points
    member_id: Id
    as_of: Time


class ConsentInvited(_Addressed):
    """Invite the consumer to answer the consent question, until ``valid_until``.

    What they did waits for the answer, so there is no number and there are no reasons. At most one
    comes in the rule set's cool-down. ``consent.granted`` is answered with the offer.
    """

    invitation_id: MessageId
    text: Texts
    short_text: ShortTexts


class ConsentInvitationClosed(Grouped):
    """Do not send the invitation any more. One whose time is over is not closed."""

    invitation_id: MessageId
    consumer_id: ConsumerId
    reason: Literal["granted", "withdrawn", "enrolled", "erased"]
    as_of: Time


class PayoutIssued(Grouped, _Due):
    """Credit ``points`` to the member. ``pending_points`` more are paid later.

    Each enrolment causes one, of 0 points if nothing is due. Later ones are ``supplementary``: for
    an event before ``enrolled_at`` that arrived after the enrolment, or whose return window has
    ended since. ``offer_id``: the offer which was live at the enrolment.
    """

    consumer_id: ConsumerId
    member_id: Id
    offer_id: MessageId | None = None
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
    offer_id: MessageId | None = None
    points: Annotated[int, Field(ge=-POINTS_MAX, le=-1)]
    enrolled_at: Time
    as_of: Time
