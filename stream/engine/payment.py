"""A payment: where refunds, which carry no openid, meet the consumer who paid.

The payment knows the cumulative refund, and tells the payer's account the net amount. The account
takes the highest rank it has heard of, so a refund may come before its payment.
"""

from __future__ import annotations

import msgspec

from stream.engine.calendar import DAY_MS
from stream.engine.facts import Fact
from stream.engine.ids import marker
from stream.engine.messages import Arrived
from stream.engine.ruleset import RuleBook


class Payment(msgspec.Struct, array_like=True):
    """A WeChat Pay order. ``refunds``: refund id marker -> fen of the order, fen of the payer."""

    origin: str = ""  # origin key of the payer; "" while the payment itself is awaited
    fact: Fact | None = None
    refunds: dict[bytes, tuple[int, int]] = {}
    waiting: list[Arrived] = []  # what named only this payment, until the payer is known
    until: int = 0  # ms; when what waits is given up

    @property
    def parked(self) -> int:
        """How many input records wait here."""
        return 0 if self.fact else len(self.refunds) + len(self.waiting)

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
        """The payment as it is after its refunds; ``cause`` is the event which made it so."""
        assert self.fact is not None
        order = sum(refund[0] for refund in self.refunds.values())
        payer = sum(refund[1] for refund in self.refunds.values())
        fields = self.fact.fields | {
            "total_fen": max(0, int(self.fact.fields["total_fen"]) - order),
            "payer_total_fen": max(0, int(self.fact.fields["payer_total_fen"]) - payer),
        }
        fact = msgspec.structs.replace(self.fact, fields=fields, rank=order, event_id=cause)
        return Arrived(fact=fact, origin=self.origin, counted=False)


def lifetime_ms(book: RuleBook) -> int:
    """How long a payment is kept, and how long a refund waits for it."""
    return (book.payment_horizon_days + 31) * DAY_MS
