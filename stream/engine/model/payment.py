# SPDX-License-Identifier: Apache-2.0
"""A payment: where refunds, which carry no openid, meet the consumer who paid.

The payment knows all reports and all refunds, and sends the net amount to the payer's account. The
account takes the highest rank that came, so a refund may come before its payment. What a
payment comes to is a function of what was said of it, in whatever order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from schemas.order_lines import LINES_FIELDS
from schemas.shop import SHOP_ORDER_PAID
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.facts import DISPUTED_RANK, RANK_STEP, Fact
from stream.engine.model.ids import marker, origin_parts
from stream.engine.model.limits import PAYERS_PER_PAYMENT_MAX, REPORTS_PER_PAYMENT_MAX
from stream.engine.model.messages import FactReceived, PaymentReported, RefundReported
from stream.engine.model.outcomes import Outcome
from stream.engine.model.person_fields import PersonKey
from stream.engine.model.reporters import Kind, are_independent, kind_of
from stream.engine.model.ruleset import RuleBook

#: How far apart the times may be which two reporters give for one payment. Both have it from
#: WeChat, to the second; one of them may have it in a minute's resolution.
AGREE_WITHIN_MS: Final = 60_000

#: WeChat's are 28 digits, 32 at most.
_ID_CHARS: Final = range(20, 33)
_ID_DIGITS_MIN: Final = 4  # different ones

_NOTHING: Final = {"total_fen": 0, "payer_total_fen": 0}


class Report(msgspec.Struct, array_like=True, frozen=True):
    """Who paid and what, as one reporter says it (``stream.engine.model.reporters``)."""

    origin: PersonKey
    fact: Fact
    reporter: bytes = b""

    @property
    def worth(self) -> tuple[int, str, int, int, str, bytes]:
        """The least holds: of the surest reporter, of the first payer by name, the fullest."""
        fact = self.fact
        content = str((sorted(fact.fields.items()), fact.lines))
        kind = kind_of(self.reporter)
        return kind, self.origin, -len(fact.fields), fact.time, content, self.reporter


class Refund(msgspec.Struct, array_like=True, frozen=True):
    """What one merchant says of a refund; fen of the order, and of what the payer paid."""

    mchid: str
    order_fen: int
    payer_fen: int


class Payment(msgspec.Struct, array_like=True):
    """A WeChat Pay order, as its worthiest report has it. Usually there is one report."""

    origin: PersonKey = ""  # origin key of the payer; "" while the payment itself is awaited
    fact: Fact | None = None
    reporter: bytes = b""
    refunds: dict[bytes, list[Refund]] = {}  # by marker of the refund id
    waiting: dict[bytes, FactReceived] = {}  # what named only this payment, by marker of its key
    until: int = 0  # ms; when what waits is given up
    others: list[Report] = []  # the less worthy reports
    disputed: bool = False  # too many are said to have paid: it counts for none of them

    @property
    def parked(self) -> int:
        """How many input records wait here."""
        return self.verdicts()[Outcome.PARKED]

    def verdicts(self) -> Counter[Outcome]:
        """How many of the input records about this payment have which outcome here."""
        if self.fact is None:
            waiting = sum(message.counted for message in self.waiting.values())
            return Counter({Outcome.PARKED: len(self.refunds) + waiting})
        valid = sum(any(map(self._is_mine, said)) for said in self.refunds.values())
        valid = 0 if self.disputed else valid
        return Counter({Outcome.APPLIED: valid, Outcome.REFUSED: len(self.refunds) - valid})

    @property
    def reports(self) -> list[Report]:
        """All reports, the worthiest first."""
        best = [] if self.fact is None else [Report(self.origin, self.fact, self.reporter)]
        return [*best, *self.others]

    def payers(self) -> dict[str, Fact]:
        """Who is said to have paid, and what by the worthiest report of each."""
        facts: dict[str, Fact] = {}
        for report in self.reports:
            facts.setdefault(report.origin, report.fact)
        return facts

    def take_report(self, message: PaymentReported) -> bool:
        """Take in a report of the payment; whether it says anything new."""
        report = Report(message.origin, message.fact, message.reporter)
        known = self.reports
        if self.disputed or any(_is_same(report, other) for other in known):
            return False
        best, *self.others = sorted([*known, report], key=lambda report: report.worth)
        self.origin, self.fact, self.reporter = best.origin, best.fact, best.reporter
        return True

    def dispute(self) -> str:
        """Whether so much is said of the payment that nothing is known: of what too much, or ""."""
        if len(self.payers()) > PAYERS_PER_PAYMENT_MAX:
            return "payers"
        return "reports" if len(self.others) >= REPORTS_PER_PAYMENT_MAX else ""

    def agreeing(self, message: PaymentReported) -> dict[str, int]:
        """Who else two independent reporters name as the payer, and since when (ms)."""
        assert self.fact is not None
        if not _is_real(self.fact.key.removeprefix("payment:")):
            return {}
        found: dict[str, int] = {}
        said = Report(message.origin, message.fact, message.reporter)
        for other in self.reports:
            if other.origin != said.origin and _agree(said, other):
                time = min(said.fact.time, other.fact.time)
                found[other.origin] = min(time, found.get(other.origin, time))
        return found

    def forward(self, message: FactReceived) -> FactReceived:
        """What names only this payment is about its payer, and claims what it can of them."""
        claims = message.claim and origin_parts(self.origin)[0] in message.among
        claim = message.claim if claims else ""
        return msgspec.structs.replace(message, origin=self.origin, claim=claim, among=[])

    def restatements(self, cause: str) -> Iterator[FactReceived]:
        """What the payment comes to now, for each account that may have counted it otherwise."""
        if self.refunds or self.others:
            yield self.net(cause)
        rank = 2 * self._reported * RANK_STEP + 1
        for origin, payment in self.payers().items():
            if origin != self.origin:
                yield _nothing(origin, payment, rank, cause)

    def refusals(self, cause: str) -> Iterator[FactReceived]:
        """A payment in dispute is refused in the accounts of all that are said to have paid."""
        for origin, payment in self.payers().items():
            yield disputed(origin, payment, cause)

    def settle_dispute(self) -> None:
        """One report is enough to remember that it is in dispute."""
        self.disputed, self.others, self.waiting = True, [], {}

    def refund(self, message: RefundReported) -> tuple[bool, bool]:
        """Whether the refund is new, and whether anything is.

        Of amounts which contradict known ones the larger hold.
        """
        key = marker(message.refund_id)
        said = {refund.mchid: refund for refund in self.refunds.get(key, ())}
        new, known = not said, said.get(message.mchid, Refund(message.mchid, 0, 0))
        larger = Refund(
            message.mchid,
            max(message.refund_fen, known.order_fen),
            max(message.payer_refund_fen, known.payer_fen),
        )
        if message.mchid in said and larger == known:
            return False, False
        said[message.mchid] = larger
        if len(said) > PAYERS_PER_PAYMENT_MAX:
            return False, False
        self.refunds[key] = [refund for _, refund in sorted(said.items())]
        return new, True

    def refunded(self) -> tuple[int, int]:
        """Fen of the order and of what the payer paid which were given back by who was paid.

        A WeChat Shop has numbers of its own for refunds: what it says and what WeChat Pay says are
        two accounts of the same money, of which the larger holds.
        """
        shops = {r.fact.fields["mchid"] for r in self.reports if r.fact.type == SHOP_ORDER_PAID}
        by_pay, by_shop = [0, 0], [0, 0]
        for said in self.refunds.values():
            for sums, of_shop in ((by_pay, False), (by_shop, True)):
                valid = [r for r in said if (r.mchid in shops) is of_shop and self._is_mine(r)]
                sums[0] += max((refund.order_fen for refund in valid), default=0)
                sums[1] += max((refund.payer_fen for refund in valid), default=0)
        return max(by_pay[0], by_shop[0]), max(by_pay[1], by_shop[1])

    def net(self, cause: str) -> FactReceived:
        """The payment as it is after its refunds; ``cause`` is the event which made it so.

        With every further report it outranks whatever was said before. What was bought is as the
        worthiest report has it that says so. Only refunds by who was
        paid count, and together they are never more than the payment.
        """
        assert self.fact is not None
        order, payer = self.refunded()
        fields, total = self.fact.fields, int(self.fact.fields["total_fen"])
        left = {
            "total_fen": max(0, total - order),
            "payer_total_fen": max(0, int(fields["payer_total_fen"]) - payer),
        }
        reported = self._reported
        surer = (2 * reported + 1) * RANK_STEP if reported else self.fact.rank
        rank = min(order, total) + surer
        bought = next((r.fact for r in self.reports if r.fact.lines), self.fact)
        counts = {name: bought.fields[name] for name in LINES_FIELDS if name in bought.fields}
        fact = msgspec.structs.replace(
            self.fact,
            fields=fields | counts | left,
            lines=bought.lines,
            rank=rank,
            event_id=cause,
        )
        return FactReceived(fact=fact, origin=self.origin, counted=False)

    @property
    def _reported(self) -> int:
        """How many reports there are, if there are several."""
        return len(self.others) + 1 if self.others else 0

    def _is_mine(self, refund: Refund) -> bool:
        """Whether a refund is by a merchant who is said to have been paid.

        A mall names itself, so while no other reporter does, who was paid is not known.
        """
        kinds = {kind_of(report.reporter) for report in self.reports}
        paid = {report.fact.fields.get("mchid", "") for report in self.reports}
        return kinds == {Kind.MALL} or bool({"", refund.mchid} & paid) or not refund.mchid


def disputed(origin: str, payment: Fact, cause: str) -> FactReceived:
    """A payment as its payer's account takes it while too many are said to have paid: refused."""
    return _nothing(origin, payment, DISPUTED_RANK, cause)


def lifetime_ms(book: RuleBook) -> int:
    """How long a payment is kept, and how long a refund waits for it."""
    return (book.payment_horizon_days + 31) * DAY_MS


def _nothing(origin: str, payment: Fact, rank: int, cause: str) -> FactReceived:
    fields = payment.fields | _NOTHING
    fact = msgspec.structs.replace(payment, fields=fields, rank=rank, event_id=cause)
    return FactReceived(fact=fact, origin=origin, counted=False)


def _is_same(one: Report, other: Report) -> bool:
    """Whether one reporter says the same again, by whichever event."""
    said, before = one.fact, other.fact
    content = (said.time, said.fields, said.lines) == (before.time, before.fields, before.lines)
    return content and (one.origin, one.reporter) == (other.origin, other.reporter)


def _agree(one: Report, other: Report) -> bool:
    """Whether two reporters who do not know of one another say the same of the payment.

    A mall names itself as the merchant, and what was paid as the one amount.
    """
    if not are_independent(one.reporter, other.reporter):
        return False
    if abs(one.fact.time - other.fact.time) > AGREE_WITHIN_MS:
        return False
    mall, shop = sorted((one, other), key=lambda report: -kind_of(report.reporter))
    amounts = (shop.fact.fields["total_fen"], shop.fact.fields["payer_total_fen"])
    return mall.fact.fields["total_fen"] in amounts


def _is_real(transaction_id: str) -> bool:
    """Whether it can be an id of WeChat's, and not what a till or a test has for each payment."""
    id_ = transaction_id
    usual = id_.isascii() and id_.isdecimal() and len(id_) in _ID_CHARS
    return usual and len(set(id_)) >= _ID_DIGITS_MIN
