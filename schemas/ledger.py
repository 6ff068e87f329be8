# SPDX-License-Identifier: Apache-2.0
"""Topic ``shadow.ledger``: every movement of points, once.

Key: the event's id; subject: the consumer id. The entries of one subject are in one partition, in
order. A record without value erases the one with its key (``schemas.erased``).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.base import ConsumerId, MessageId, Name, SignedPoints, Time
from schemas.offers import Grouped, Version

ENTRY_POSTED = "entry.posted.v1"

TRANSFERS = ("transfer_in", "transfer_out")


class EntryPosted(Grouped):
    """One entry of a shadow account. Entries never change; a correction is another entry.

    ``points`` is the effect on the balance, never 0; ``balance`` is the balance after it.
    ``cause`` is the id of the message that caused it, ``rule`` and ``ruleset_version`` the rule
    that applied; ``campaign`` is the one that added these points, if its additions have a limit.
    ``counterpart`` is the other account of a transfer, and of a transfer only.
    """

    entry_id: MessageId
    consumer_id: ConsumerId
    kind: Literal[
        "accrual",
        "clawback",
        "expiry",
        "payout",
        "payout_correction",
        "transfer_in",
        "transfer_out",
    ]
    points: SignedPoints = Field(json_schema_extra={"not": {"const": 0}})
    balance: SignedPoints
    rule: Name | None = None
    ruleset_version: Version | None = None
    campaign: Name | None = None
    cause: MessageId
    counterpart: ConsumerId | None = None
    as_of: Time

    @model_validator(mode="after")
    def _is_a_movement(self) -> Self:
        if self.points == 0:
            raise ValueError("points must not be 0: an entry moves points")
        if self.counterpart is not None and self.kind not in TRANSFERS:
            raise ValueError("counterpart belongs to transfers only")
        return self
