# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.exports``: all data about one person, on request of that person.

Key: the event's id; subject: the consumer id. Records are kept for seven days, and may have up to
``EXPORT_BYTES_MAX`` bytes. Times inside are written as they are in Shanghai. A record without value
erases the one with its key (``schemas.erased``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from schemas.base import (
    POINTS_MAX,
    SHANGHAI,
    TIME_PATTERN,
    Closed,
    ConsumerId,
    Fen,
    Id,
    MessageId,
    Name,
    Points,
    SignedPoints,
    parse_time,
)
from schemas.identifiers import Origin
from schemas.offers import Grouped, TouchpointCount
from schemas.traits import Tags

CONSUMER_EXPORTED = "consumer.exported.v1"
EXPORT_BYTES_MAX: Final = 8_388_608  # hosted Kafkas take 10 MB at most


def format_shanghai(time: datetime) -> str:
    """RFC 3339 with Shanghai's offset and milliseconds: ``2026-03-01T08:00:00.000+08:00``."""
    return time.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


LocalTime = Annotated[
    datetime,
    PlainValidator(parse_time),
    PlainSerializer(format_shanghai, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": f"^{TIME_PATTERN}$",
            "description": "RFC 3339, kept to the millisecond. We write the time of Shanghai.",
        }
    ),
]
Type = Annotated[str, Field(pattern="^[a-z0-9_.]{1,128}$")]
Count = Annotated[int, Field(ge=0, le=POINTS_MAX)]


class Known(Closed):
    """An event that bound an origin to this consumer; ``vetoed`` if it was unbound."""

    consumer_id: ConsumerId
    type: Type
    event_id: MessageId
    time: LocalTime
    vetoed: bool


class KnownOrigin(Origin):
    """The person's openid in one app, and the events that bound it."""

    bound_to: ConsumerId | None = None
    generation: Count
    evidence: Annotated[tuple[Known, ...], Field(strict=False)]


class RulePoints(Closed):
    """Points from one rule of one version of the rules, or what a ``campaign`` added to them."""

    rule: Name
    campaign: Name | None = None
    ruleset_version: Count
    points: SignedPoints


class Met(Closed):
    """One touchpoint; ``by`` are the origins through which it came.

    ``outcome`` is its result, ``before_caps`` the points of each rule before caps, ``counts_for``
    the rules that count it together with other days; ``paid_fen`` is what a purchase cost the
    consumer, less what was given back.
    """

    time: LocalTime
    touchpoint: Name
    by: Annotated[tuple[ConsumerId, ...], Field(strict=False)]
    outcome: Name
    before_caps: Annotated[tuple[RulePoints, ...], Field(strict=False)]
    counts_for: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    paid_fen: Fen | None = None


class Expiring(Closed):
    """Points that expire on a day in Shanghai."""

    day: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    points: Points


class Pending(Closed):
    """Points that a member is paid from a day in Shanghai on, less refunds."""

    day: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    points: Points


class CutByCap(RulePoints):
    """What a cap left of a day's points: the cap of a rule, a group or a campaign, per period."""

    day: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    limit: Annotated[str, Field(min_length=1, max_length=200)]
    per: Literal["day", "week", "month", "lifetime"]
    before_caps: Points


class Answer(Closed):
    """The person's answer to the consent question."""

    time: LocalTime
    answer: Literal["granted", "paused", "withdrawn"]


class StatedBirthday(Closed):
    """A month and a day that the CRM reported at ``time`` as the birthday; the last one holds."""

    time: LocalTime
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    calendar: Name
    leap_month: bool = False


class Enrolled(Closed):
    """An enrolment in the loyalty programme; of several the earliest ``counts``."""

    member_id: Id
    time: LocalTime
    counts: bool


class PaidOut(Closed):
    """Points paid out to a member, in all."""

    member_id: Id
    points: SignedPoints


class Offer(Grouped):
    """The current offer, or the ``reason`` why there is none."""

    live: bool
    block: Name | None = None
    points: Points | None = None
    valid_until: LocalTime | None = None
    benefits: Annotated[tuple[Name, ...], Field(strict=False)] | None = None
    reason: Name | None = None


class LastOffer(Closed):
    """The last offer announced to the CRM, and how many ``offers`` there were."""

    offers: Count
    offer_id: MessageId
    revision: Count
    block: Name
    points: Points
    benefits: Annotated[tuple[Name, ...], Field(strict=False)]
    valid_until: LocalTime
    live: bool


class LastInvitation(Closed):
    """The last invitation to answer the consent question; ``granted``: that was the answer."""

    invitation_id: MessageId
    time: LocalTime
    valid_until: LocalTime
    open: bool
    granted: bool


class OutcomeCount(Closed):
    """The number of input records with this outcome."""

    outcome: Name
    count: Annotated[int, Field(ge=-POINTS_MAX, le=POINTS_MAX)]


class Standing(Closed):
    """The customer's classes, and what was spent in the window (of the calendar year without days).

    ``missing_fen`` more reach the level ``next``.
    """

    tier: Name | None = None
    lifecycle: Name | None = None
    rfm: Annotated[str, Field(pattern="^[1-5]{3}$")] | None = None
    tags: Tags
    spent_fen: Fen | None = None
    next: Name | None = None
    missing_fen: Fen | None = None
    window_days: Count | None = None


class Progress(Closed):
    """How much is ``done`` ``of`` what a rule needs for its next points."""

    rule: Name
    done: Count
    of: Count


class Nudge(Closed):
    """A nudge that is due, or going to be if nothing happens; whether the CRM was told of it."""

    nudge: Name
    anchor_at: LocalTime
    due_at: LocalTime
    expires_at: LocalTime
    due: bool
    told: bool


class ShadowAccount(Closed):
    """The current account. ``before_horizon`` counts older touchpoints without details."""

    balance: SignedPoints
    touches: Annotated[tuple[Met, ...], Field(strict=False)]
    granted: Annotated[tuple[RulePoints, ...], Field(strict=False)]
    expired: Annotated[tuple[RulePoints, ...], Field(strict=False)]
    cuts: Annotated[tuple[CutByCap, ...], Field(strict=False)] = ()
    expires: Annotated[tuple[Expiring, ...], Field(strict=False)]
    pending: Annotated[tuple[Pending, ...], Field(strict=False)]
    before_horizon: Annotated[tuple[TouchpointCount, ...], Field(strict=False)]
    consents: Annotated[tuple[Answer, ...], Field(strict=False)]
    birthdays: Annotated[tuple[StatedBirthday, ...], Field(strict=False)] = ()
    enrolments: Annotated[tuple[Enrolled, ...], Field(strict=False)]
    payouts: Annotated[tuple[PaidOut, ...], Field(strict=False)]
    offer: Offer
    last_offer: LastOffer | None = None
    invitation: LastInvitation | None = None
    classes: Standing | None = None
    progress: Annotated[tuple[Progress, ...], Field(strict=False)] = ()
    nudges: Annotated[tuple[Nudge, ...], Field(strict=False)] = ()
    records: Annotated[tuple[OutcomeCount, ...], Field(strict=False)]


class KnownPayment(Closed):
    """A payment, kept for its refunds. ``fields`` and ``lines`` are what rules may test."""

    transaction_id: Id
    consumer_id: ConsumerId
    event_id: MessageId
    time: LocalTime
    fields: dict[str, Any]
    lines: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] | None = None
    refunded_fen: Fen
    payer_refunded_fen: Fen


class Emitted(Closed):
    """An event that was published about the person; ``data`` is as its own type says."""

    id: MessageId
    type: Type
    time: LocalTime
    subject: ConsumerId
    data: dict[str, Any]


class ConsumerExported(Closed):
    """All data about one person as of ``as_of``. ``request`` is the id of the requesting event.

    Without ``account`` no account exists now. Events are in the order of their times. Data too
    large for one record comes in ``parts``, one event each: the lists ``payments``, ``ledger``,
    ``offers``, ``identity``, ``traits``, and ``touches`` and ``consents`` of the account continue
    from ``part`` to part; all else is the same in each.
    """

    consumer_id: ConsumerId
    request: MessageId | None = None
    part: Annotated[int, Field(ge=1, le=POINTS_MAX)] | None = None
    parts: Annotated[int, Field(ge=2, le=POINTS_MAX)] | None = None
    as_of: LocalTime
    origins: Annotated[tuple[KnownOrigin, ...], Field(strict=False)]
    account: ShadowAccount | None = None
    payments: Annotated[tuple[KnownPayment, ...], Field(strict=False)]
    ledger: Annotated[tuple[Emitted, ...], Field(strict=False)]
    offers: Annotated[tuple[Emitted, ...], Field(strict=False)]
    identity: Annotated[tuple[Emitted, ...], Field(strict=False)]
    traits: Annotated[tuple[Emitted, ...], Field(strict=False)] = ()
