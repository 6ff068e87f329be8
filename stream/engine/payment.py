"""A payment: where refunds, which carry no openid, meet the consumer who paid.

The payment knows the cumulative refund, and tells the payer's account the net amount. The account
takes the highest rank it has heard of, so a refund may come before its payment.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stream.engine.calendar import DAY_MS
from stream.engine.facts import RANK_STEP, Fact
from stream.engine.ids import marker, origin_parts
from stream.engine.kin import introduce, profile_of
from stream.engine.messages import Arrived, Kin, Paid
from stream.engine.ruleset import RuleBook
from stream.engine.state import Evidence


class Payment(msgspec.Struct, array_like=True):
    """A WeChat Pay order. ``refunds``: refund id marker -> fen of the order, fen of the payer.

    Usually it is reported in one way. If there are several, ``others`` has the payers named by the
    less worthy of them, and ``reports`` a marker of each.
    """

    origin: str = ""  # origin key of the payer; "" while the payment itself is awaited
    fact: Fact | None = None
    refunds: dict[bytes, tuple[int, int]] = {}
    waiting: list[Arrived] = []  # what named only this payment, until the payer is known
    until: int = 0  # ms; when what waits is given up
    others: dict[str, Fact] = {}  # by origin key
    reports: list[bytes] = []  # empty while there is but one

    @property
    def parked(self) -> int:
        """How many input records wait here."""
        if self.fact:
            return 0
        return len(self.refunds) + sum(message.counted for message in self.waiting)

    def hear(self, message: Paid) -> bool:
        """Take in a report of the payment; whether it says anything new."""
        if self.fact is None:
            self.origin, self.fact = message.origin, message.fact
            return True
        marks = self.reports or [_mark(self.origin, self.fact)]
        mark = _mark(message.origin, message.fact)
        if mark in marks:
            return False
        self.reports = sorted([*marks, mark])
        payers = {**self.others, self.origin: self.fact}
        known = payers.get(message.origin, message.fact)
        payers[message.origin] = min(message.fact, known, key=_worth)
        self.origin = min(payers, key=lambda origin: (_is_hearsay(payers[origin]), origin))
        self.fact, self.others = payers.pop(self.origin), payers
        return True

    def kin(self, message: Paid) -> Iterator[Kin]:
        """Whoever else is said to have paid is the same person: an order has one payer."""
        if self.fact is None or not self.others:
            return
        for other, fact in sorted({**self.others, self.origin: self.fact}.items()):
            if other != message.origin:
                time = min(message.fact.time, fact.time)
                evidence = Evidence(time, message.fact.key, message.fact.type)
                profile = profile_of(min(other, message.origin))
                yield introduce(other, profile, evidence)

    def forward(self, message: Arrived) -> Arrived:
        """What names only this payment is about its payer, and claims what it can of them."""
        claims = message.claim and origin_parts(self.origin)[0] in message.among
        claim = message.claim if claims else ""
        return msgspec.structs.replace(message, origin=self.origin, claim=claim, among=[])

    def standing(self, cause: str) -> Iterator[Arrived]:
        """What the payment comes to by now, wherever it was counted as something else."""
        if self.refunds or self.reports:
            yield self.net(cause)
        for origin, payment in sorted(self.others.items()):
            nothing = {"total_fen": 0, "payer_total_fen": 0}
            fields, rank = payment.fields | nothing, 2 * len(self.reports) * RANK_STEP + 1
            fact = msgspec.structs.replace(payment, fields=fields, rank=rank, event_id=cause)
            yield Arrived(fact=fact, origin=origin, counted=False)

    def add_refund(self, refund_id: str, order_fen: int, payer_fen: int) -> tuple[bool, bool]:
        """Whether the refund is new, and whether anything is.

        Of amounts which contradict known ones the larger hold.
        """
        key = marker(refund_id)
        known = self.refunds.get(key, (0, 0))
        new = key not in self.refunds
        self.refunds[key] = (max(order_fen, known[0]), max(payer_fen, known[1]))
        return new, new or self.refunds[key] != known

    def net(self, cause: str) -> Arrived:
        """The payment as it is after its refunds; ``cause`` is the event which made it so.

        With every further report it outranks whatever was said before.
        """
        assert self.fact is not None
        order = sum(refund[0] for refund in self.refunds.values())
        payer = sum(refund[1] for refund in self.refunds.values())
        fields = self.fact.fields | {
            "total_fen": max(0, int(self.fact.fields["total_fen"]) - order),
            "payer_total_fen": max(0, int(self.fact.fields["payer_total_fen"]) - payer),
        }
        reports = len(self.reports)
        rank = order + ((2 * reports + 1) * RANK_STEP if reports else self.fact.rank)
        fact = msgspec.structs.replace(self.fact, fields=fields, rank=rank, event_id=cause)
        return Arrived(fact=fact, origin=self.origin, counted=False)


def _mark(origin: str, fact: Fact) -> bytes:
    """Of what a report says, whichever event says it."""
    return marker(f"{origin} {fact.time} {fact.rank} {sorted(fact.fields.items())}")


def _is_hearsay(payment: Fact) -> bool:
    """Whether only a mall says so, and not the merchant who was paid."""
    return payment.rank < 0


def _worth(fact: Fact) -> tuple[int, int, int, str]:
    """Of two reports with one payer the least is kept: the merchant's own, the fullest."""
    return -fact.rank, -len(fact.fields), fact.time, str(sorted(fact.fields.items()))


def lifetime_ms(book: RuleBook) -> int:
    """How long a payment is kept, and how long a refund waits for it."""
    return (book.payment_horizon_days + 31) * DAY_MS
