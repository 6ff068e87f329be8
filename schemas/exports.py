"""Topic ``shadow.exports``: everything that is known about one person, for that person.

Key: the event's id; subject: the consumer id. Records are kept for seven days, and may have up to
``EXPORT_BYTES_MAX`` bytes. Times inside are written as they are in Shanghai. A record without value
erases the one with its key.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from schemas.base import (
    POINTS_MAX,
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
from schemas.offers import TouchpointCount

CONSUMER_EXPORTED = "consumer.exported.v1"
EXPORT_BYTES_MAX: Final = 16_777_216

_SHANGHAI = timezone(timedelta(hours=8))


def format_shanghai(time: datetime) -> str:
    """RFC 3339 with Shanghai's offset and milliseconds: ``2026-03-01T08:00:00.000+08:00``."""
    return time.astimezone(_SHANGHAI).isoformat(timespec="milliseconds")


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
    """An event which says that an origin is this consumer; ``vetoed`` if that was undone."""

    consumer_id: ConsumerId
    type: Type
    event_id: MessageId
    time: LocalTime
    vetoed: bool


class KnownOrigin(Origin):
    """By what the person is known in one app, and how each bind came about."""

    bound_to: ConsumerId | None = None
    generation: Count
    evidence: Annotated[tuple[Known, ...], Field(strict=False)]


class RulePoints(Closed):
    """Points by one rule of one version of the rules."""

    rule: Name
    ruleset_version: Count
    points: SignedPoints


class Met(Closed):
    """One touchpoint; ``by`` are the origins through which it came.

    ``outcome`` is what became of it, ``before_caps`` what each rule gave it before its limits.
    """

    time: LocalTime
    touchpoint: Name
    by: Annotated[tuple[ConsumerId, ...], Field(strict=False)]
    outcome: Name
    before_caps: Annotated[tuple[RulePoints, ...], Field(strict=False)]


class Expiring(Closed):
    """Points which expire on a day in Shanghai."""

    day: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    points: Points


class Answer(Closed):
    """What the person answered to the consent question."""

    time: LocalTime
    granted: bool


class Enrolled(Closed):
    """An enrolment in the loyalty programme; of several the earliest ``counts``."""

    member_id: Id
    time: LocalTime
    counts: bool


class PaidOut(Closed):
    """Points paid out to a member, in all."""

    member_id: Id
    points: SignedPoints


class Offer(Closed):
    """The offer as it is true now, or the ``reason`` why there is none."""

    live: bool
    points: Points | None = None
    valid_until: LocalTime | None = None
    benefits: Annotated[tuple[Name, ...], Field(strict=False)] | None = None
    reason: Name | None = None


class OfferTold(Closed):
    """The latest offer of which the CRM was told, and how many ``offers`` there were."""

    offers: Count
    offer_id: MessageId
    revision: Count
    points: Points
    benefits: Annotated[tuple[Name, ...], Field(strict=False)]
    valid_until: LocalTime
    live: bool


class OutcomeCount(Closed):
    """How many input records ended so."""

    outcome: Name
    count: Annotated[int, Field(ge=-POINTS_MAX, le=POINTS_MAX)]


class ShadowAccount(Closed):
    """What is kept now. ``before_horizon`` counts older touchpoints, of which no more is known."""

    balance: SignedPoints
    touches: Annotated[tuple[Met, ...], Field(strict=False)]
    granted: Annotated[tuple[RulePoints, ...], Field(strict=False)]
    expired: Annotated[tuple[RulePoints, ...], Field(strict=False)]
    expires: Annotated[tuple[Expiring, ...], Field(strict=False)]
    before_horizon: Annotated[tuple[TouchpointCount, ...], Field(strict=False)]
    consents: Annotated[tuple[Answer, ...], Field(strict=False)]
    enrolments: Annotated[tuple[Enrolled, ...], Field(strict=False)]
    payouts: Annotated[tuple[PaidOut, ...], Field(strict=False)]
    offer: Offer
    told: OfferTold | None = None
    records: Annotated[tuple[OutcomeCount, ...], Field(strict=False)]


class KnownPayment(Closed):
    """A payment which is kept for its refunds. ``fields`` are those which rules may test."""

    transaction_id: Id
    consumer_id: ConsumerId
    event_id: MessageId
    time: LocalTime
    fields: dict[str, Any]
    refunded_fen: Fen
    payer_refunded_fen: Fen


class Emitted(Closed):
    """An event which was published about the person; ``data`` is as its own type says."""

    id: MessageId
    type: Type
    time: LocalTime
    subject: ConsumerId
    data: dict[str, Any]


class ConsumerExported(Closed):
    """All about one person as of ``as_of``. ``request`` is the id of the event which asked for it.

    Without ``account`` nothing is kept now. Events are in the order of their times.
    """

    consumer_id: ConsumerId
    request: MessageId | None = None
    as_of: LocalTime
    origins: Annotated[tuple[KnownOrigin, ...], Field(strict=False)]
    account: ShadowAccount | None = None
    payments: Annotated[tuple[KnownPayment, ...], Field(strict=False)]
    ledger: Annotated[tuple[Emitted, ...], Field(strict=False)]
    offers: Annotated[tuple[Emitted, ...], Field(strict=False)]
    identity: Annotated[tuple[Emitted, ...], Field(strict=False)]
