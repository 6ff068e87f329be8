"""Topic ``shadow.identity``: what is known about who is who.

Key: the event's id; subject: the origin. The events of one subject are in one partition, in order.
A record without value erases the one with its key.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.base import Closed, ConsumerId, Id, MessageId, PersonId, Time

ORIGIN_BOUND = "origin.bound.v1"
ORIGIN_CONFLICTED = "origin.conflicted.v1"
ORIGIN_UNBOUND = "origin.unbound.v1"


class Evidence(Closed):
    """The event which proves a bind: its id, its type and its time."""

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
    """A consumer to whom an event says that an origin belongs."""

    consumer_id: ConsumerId
    evidence: Evidence


class OriginConflicted(Closed):
    """Two events bind one origin differently: the earlier is kept, the later refused."""

    appid: Id
    openid: PersonId
    kept: Claim
    refused: Claim
    as_of: Time


class OriginUnbound(Closed):
    """By request, the origin is not ``consumer_id`` any more; its own points left with it."""

    appid: Id
    openid: PersonId
    consumer_id: ConsumerId
    generation: Annotated[int, Field(ge=1, le=2**53 - 1)]
    as_of: Time
