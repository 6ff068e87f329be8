# SPDX-License-Identifier: Apache-2.0
"""Add up the output topics: totals, live offers, the newest texts.

It reads as a CRM or an auditor would, deduplicating on ``ce_id``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from schemas import CONTRACTS
from schemas import offers as o
from schemas.dead_letter import REASON
from schemas.identity import ORIGIN_BOUND, ORIGIN_CONFLICTED
from schemas.ledger import ENTRY_POSTED
from schemas.topics import TOPIC_TRAITS

NEWEST_MAX = 3
_TRAITS = frozenset(type_ for type_, c in CONTRACTS.items() if TOPIC_TRAITS in c.topics)


@dataclass(frozen=True, slots=True)
class LiveOffer:
    """An offer as announced to the CRM."""

    offer_id: str
    points: int
    text: dict[str, str]  # by language


class Outputs:
    """Totals of everything published; ``take`` ignores repeated records."""

    def __init__(self) -> None:
        self.offers: Counter[str] = Counter()  # issued, revised, withdrawn, lapsed, accepted
        self.withdrawn: Counter[str] = Counter()  # by reason
        self.points: Counter[str] = Counter()  # ledger entries by kind, signed
        self.entries = 0
        self.accepted: dict[str, int] = {}  # consumer id -> points of the accepted offer
        self.paid_first: dict[str, int] = {}  # consumer id -> points paid out at enrolment
        self.consent: Counter[str] = Counter()  # invited, and of them granted, offered, enrolled
        self.traits: Counter[str] = Counter()  # by event type, without its version
        self._invited_offers: set[str] = set()
        self.payouts: Counter[str] = Counter()  # member id -> points
        self.payouts_issued = 0
        self.payouts_corrected = 0
        self.balances: dict[str, int] = {}  # consumer id -> balance after the last entry
        self.chains_broken = 0  # entries whose balance does not follow from the one before
        self.live: dict[str, LiveOffer] = {}  # consumer id -> offer
        self.bound = 0
        self.conflicts = 0
        self.dead: Counter[str] = Counter()  # by reason
        self.newest: deque[LiveOffer] = deque(maxlen=NEWEST_MAX)
        self.repeated = 0
        self._seen: set[bytes] = set()

    def take(self, value: bytes, headers: Sequence[tuple[str, bytes]]) -> str:
        """Add a record of an offers, ledger or identity topic; return its event type."""
        attributes = dict(headers)
        type_ = attributes["ce_type"].decode()
        if attributes["ce_id"] in self._seen:
            self.repeated += 1
            return type_
        self._seen.add(attributes["ce_id"])
        data = orjson.loads(value)
        match type_:
            case _ if type_ == ENTRY_POSTED:
                self._entry(data)
            case _ if type_.startswith("offer."):
                self._offer(type_, data)
            case o.CONSENT_INVITED:
                self.consent["invited"] += 1
            case o.CONSENT_INVITATION_CLOSED:
                self.consent["granted"] += data["reason"] == "granted"
            case o.PAYOUT_ISSUED | o.PAYOUT_CORRECTED:
                self._payout(type_, data)
            case _ if type_ in _TRAITS:
                self.traits[type_.removesuffix(".v1")] += 1
            case _ if type_ == ORIGIN_BOUND:
                self.bound += 1
            case _ if type_ == ORIGIN_CONFLICTED:
                self.conflicts += 1
        return type_

    def take_dead(self, headers: Sequence[tuple[str, bytes]]) -> None:
        """Count a dead letter."""
        self.dead[dict(headers)[REASON].decode()] += 1

    def nonzero_balances(self) -> dict[str, int]:
        """Balances by consumer id, from the ledger."""
        return {consumer: points for consumer, points in self.balances.items() if points}

    def _entry(self, data: dict[str, Any]) -> None:
        self.entries += 1
        consumer, points = data["consumer_id"], data["points"]
        self.points[data["kind"]] += points
        if self.balances.get(consumer, 0) + points != data["balance"]:
            self.chains_broken += 1
        self.balances[consumer] = data["balance"]

    def _offer(self, type_: str, data: dict[str, Any]) -> None:
        word = type_.split(".")[1]
        self.offers[word] += 1
        if word in ("issued", "revised"):
            offer = LiveOffer(data["offer_id"], data["points"], data["text"])
            self.live[data["consumer_id"]] = offer
            if word == "issued":
                self.newest.append(offer)
            if "invitation_id" in data and data["offer_id"] not in self._invited_offers:
                self._invited_offers.add(data["offer_id"])
                self.consent["offered"] += 1
            return
        if word == "withdrawn":
            self.withdrawn[data["reason"]] += 1
        if word == "accepted":
            self.accepted[data["consumer_id"]] = data["points"]
        self.live.pop(data["consumer_id"], None)

    def _payout(self, type_: str, data: dict[str, Any]) -> None:
        self.payouts[data["member_id"]] += data["points"]
        if type_ == o.PAYOUT_ISSUED:
            self.payouts_issued += 1
            if not data["supplementary"]:
                self.paid_first[data["consumer_id"]] = data["points"]
                self.consent["enrolled"] += data.get("offer_id") in self._invited_offers
        else:
            self.payouts_corrected += 1
