# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.traits``: what kind of customer somebody is, for the CRM.

Key: the event's id; subject: the consumer id. The events of one subject are in one partition, in
order. A record without value erases the one with its key (``schemas.erased``). ``as_of`` is the
engine's time of the decision; ``revision`` rises with each message about a consumer's traits, so
that a reader keeps the highest of each type. Readers must ignore fields they do not know.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from schemas.base import Closed, ConsumerId, Fen, Name, Time
from schemas.offers import CHANNELS_MAX, Channel, Grouped, Version

TIER_CHANGED = "tier.changed.v1"
SEGMENT_CHANGED = "segment.changed.v1"
TAGS_CHANGED = "tags.changed.v1"

NUDGE_DUE = "nudge.due.v1"
NUDGE_WITHDRAWN = "nudge.withdrawn.v1"

TAGS_MAX: Final = 50
Tags = Annotated[tuple[Name, ...], Field(strict=False, max_length=TAGS_MAX)]


class _About(Grouped):
    """``since`` is when it became so, by the times of the events; it may lie in the past."""

    consumer_id: ConsumerId
    revision: Version
    since: Time
    as_of: Time
    ruleset_version: Version | None = None


class _Trait(_About):
    """``reason`` says why nothing is said of the consumer any more.

    Consent was withdrawn, the account became part of another (which has a message of its own), the
    person was erased, or the rules in force know no such trait.
    """

    reason: Literal["consent", "superseded", "erased", "rules"] | None = None


class TierChanged(_Trait):
    """The consumer's level changed. Without ``from`` there was none; without ``to`` there is none.

    ``spent_fen`` is the net spend that counts as of then; ``missing_fen`` more reach the level
    ``next``. Without ``next`` there is no higher one. A withdrawal (``reason``) has neither.
    """

    from_: Name | None = Field(default=None, alias="from")
    to: Name | None = None
    spent_fen: Fen | None = None
    next: Name | None = None
    missing_fen: Fen | None = None


class Segment(Closed):
    """The stage of a customer's life, and three scores from 1 to 5 (recency, frequency, money).

    Without ``lifecycle`` nothing was bought yet, without ``rfm`` nothing within the window; or the
    rules know no such thing.
    """

    lifecycle: Literal["new", "active", "cooling", "silent", "lapsed"] | None = None
    rfm: Annotated[str, Field(pattern="^[1-5]{3}$")] | None = None


class SegmentChanged(_Trait):
    """Stage or scores changed. A withdrawal (``reason``) has no ``to``."""

    from_: Segment | None = Field(default=None, alias="from")
    to: Segment | None = None


class TagsChanged(_Trait):
    """The consumer has ``tags`` now, by their names in the rules, after some came or went."""

    tags: Tags
    added: Tags
    removed: Tags


class NudgeDue(_About):
    """The nudge of this name in the rules is due to the consumer: send it until ``expires_at``.

    It came due at ``due_at``, since the consumer did at ``anchor_at`` what it follows (of an offer
    that is about to end: its end). ``channels`` are those that can carry it as of ``as_of``, as in
    offers; without any, wait for the next visit. ``nudge_id`` stands for it, however often it is
    told. An event of type ``nudge.withdrawn`` takes it back.
    """

    nudge_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    nudge: Name
    anchor_at: Time
    due_at: Time
    expires_at: Time
    channels: Annotated[tuple[Channel, ...], Field(strict=False, max_length=CHANNELS_MAX)]


class NudgeWithdrawn(_About):
    """A nudge that was told is not to be sent; where it was, that cannot be helped.

    ``reason`` besides those of other traits: ``facts``, what it follows did not last, or something
    has happened since; ``control_group``, an experiment keeps the consumer without.
    """

    nudge_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    nudge: Name
    reason: Literal["facts", "consent", "control_group", "superseded", "erased", "rules"]
