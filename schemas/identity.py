# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.identity``: binds, conflicts, unbinds and disputed payments.

Key: the event's id; subject: the origin, or the payment. The events of one subject are in one
partition, in order. A record without value erases the one with its key (``schemas.erased``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Closed, ConsumerId, Id, MessageId, PersonId, Time

ORIGIN_BOUND = "origin.bound.v1"
ORIGIN_CONFLICTED = "origin.conflicted.v1"
ORIGIN_UNBOUND = "origin.unbound.v1"
PAYMENT_DISPUTED = "payment.disputed.v1"


class Evidence(Closed):
    """The event that proves a bind: its id, its type and its time."""

    event_id: MessageId
    type: Annotated[str, Field(pattern="^[a-z0-9_.]{1,128}$")]
    time: Time


class OriginBound(Closed):
    """The origin belongs to the consumer. ``generation`` rises when a bind is corrected."""

    appid: Id
    openid: PersonId
    consumer_id: ConsumerId
    evidence: Evidence
    generation: Annotated[int, Field(ge=1, le=2**53 - 1)]


class Claim(Closed):
    """A consumer that an event binds an origin to."""

    consumer_id: ConsumerId
    evidence: Evidence


class OriginConflicted(Closed):
    """Two events bind one origin differently: the earlier is kept, the later rejected."""

    appid: Id
    openid: PersonId
    kept: Claim
    refused: Claim
    as_of: Time


class OriginUnbound(Closed):
    """On request, the origin no longer belongs to ``consumer_id``; its own points left with it."""

    appid: Id
    openid: PersonId
    consumer_id: ConsumerId
    generation: Annotated[int, Field(ge=1, le=2**53 - 1)]
    as_of: Time


class PaymentDisputed(Closed):
    """There are too many reports of one payment to know who paid: it counts for nobody.

    ``too_many`` says of which kind. Most often a till uses one ``transaction_id`` for all payments.
    The subject is ``tx.`` and the transaction id.
    """

    transaction_id: Id
    too_many: Literal["payers", "reports"]
    as_of: Time
