# SPDX-License-Identifier: Apache-2.0
"""Apply a message to a payment: a report, a refund, a fact that waits for it, an erasure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from schemas import format_ms, identity
from stream.engine.identity.aliases import introduce, profile_of
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.decision import Cause, Channel, Decision, Publish, Send
from stream.engine.model.ids import digest, marker, payment_number
from stream.engine.model.limits import REFUNDS_PER_PAYMENT_MAX, WAITING_PER_PAYMENT_MAX
from stream.engine.model.messages import (
    Alias,
    Erase,
    FactReceived,
    PaymentReported,
    RefundReported,
    Tick,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment, disputed, lifetime_ms
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Evidence


def pay(payment: Payment, message: PaymentReported, book: RuleBook, cause: Cause) -> Decision:
    """A report of who paid."""
    if payment.disputed:
        refusal = _to_payer(disputed(message.origin, message.fact, cause.id))
        return Decision(payment, changed=False, outputs=(refusal,))
    before = payment.verdicts()
    if not payment.take_report(message):
        return Decision(payment, changed=False)
    why = payment.dispute()
    outputs: list[Send | Publish]
    if why:
        outputs = [*map(_to_payer, payment.refusals(cause.id)), _disputed(why, cause)]
        payment.settle_dispute()
    else:
        outputs = [_to_payer(payment.forward(m)) for m in payment.waiting.values()]
        outputs += [Send(message.origin, alias) for alias in introductions(payment, message)]
        outputs += map(_to_payer, payment.restatements(cause.id))
        payment.waiting = {}
    return _kept(payment, book, outputs, _change(before, payment), cause.as_of)


def refund(payment: Payment, message: RefundReported, book: RuleBook, cause: Cause) -> Decision:
    """A refund, perhaps before its payment; after the payment's horizon it is late."""
    paid = payment.fact
    if paid is not None and message.time > paid.time + book.payment_horizon_days * DAY_MS:
        return Decision(payment, changed=False, counts={Outcome.LATE: 1})
    full = len(payment.refunds) >= REFUNDS_PER_PAYMENT_MAX
    if full and marker(message.refund_id) not in payment.refunds:
        return Decision(payment, changed=False, counts={Outcome.REFUSED: 1})
    before = payment.verdicts()
    new, changed = payment.refund(message)
    if not changed:
        return Decision(payment, changed=False, counts={Outcome.DUPLICATE: 1})
    counts = Counter(_change(before, payment))
    counts[Outcome.DUPLICATE] += not new
    unknown = paid is None or payment.disputed
    outputs = [] if unknown else [Send(payment.origin, payment.net(cause.id))]
    return _kept(payment, book, outputs, _nonzero(counts), cause.as_of)


def wait(payment: Payment, message: FactReceived, book: RuleBook, cause: Cause) -> Decision:
    """Something that names a consumer only by a payment (an enrolment at the till)."""
    if payment.fact is not None and not payment.disputed:
        return Decision(payment, changed=False, outputs=(_to_payer(payment.forward(message)),))
    key, outcome = marker(message.fact.key), Outcome.PARKED
    known = payment.waiting.get(key)
    if payment.disputed or (known is None and len(payment.waiting) >= WAITING_PER_PAYMENT_MAX):
        refused = {Outcome.REFUSED: 1} if message.counted else {}
        return Decision(payment, changed=False, counts=refused)
    if known is not None:
        message_known = (known, message)
        payment.waiting[key] = min(message_known, key=lambda m: (m.fact.time, m.fact.event_id))
        outcome = Outcome.DUPLICATE
    else:
        payment.waiting[key] = message
    return _kept(payment, book, [], {outcome: 1} if message.counted else {}, cause.as_of)


def tick(payment: Payment, message: Tick, book: RuleBook, cause: Cause) -> Decision:
    """Once the horizon has passed, what still waits is refused, and the payment forgotten."""
    if payment.fact is None and cause.as_of < payment.until:
        return _kept(payment, book, [], {}, cause.as_of)
    return _forgotten(payment)


def _forgotten(payment: Payment) -> Decision:
    parked = payment.parked
    counts = {Outcome.PARKED: -parked, Outcome.REFUSED: parked} if parked else {}
    return Decision(None, counts=counts)


def forget(payment: Payment, message: Erase, book: RuleBook, cause: Cause) -> Decision:
    """The payer was erased."""
    return _forgotten(payment)


def introductions(payment: Payment, message: PaymentReported) -> Iterator[Alias]:
    """Other origins that are said to have paid are aliases, if two independent reporters agree."""
    for origin, time in sorted(payment.agreeing(message).items()):
        evidence = Evidence(time, message.fact.key, message.fact.type)
        yield introduce(origin, profile_of(min(origin, message.origin)), evidence)


def _to_payer(message: FactReceived) -> Send:
    return Send(message.origin, message)


def _disputed(why: str, cause: Cause) -> Publish:
    body = {
        "transaction_id": payment_number(cause.key),
        "too_many": why,
        "as_of": format_ms(cause.as_of),
    }
    id_ = digest("disputed", cause.key)
    return Publish(Channel.IDENTITY, identity.PAYMENT_DISPUTED, id_, cause.key, cause.as_of, body)


def _change(before: Counter[Outcome], payment: Payment) -> dict[Outcome, int]:
    """How the outcomes of records about the payment changed."""
    after = payment.verdicts()
    after.subtract(before)
    return _nonzero(after)


def _nonzero(counts: Mapping[Outcome, int]) -> dict[Outcome, int]:
    return {outcome: number for outcome, number in counts.items() if number}


def _kept(
    payment: Payment,
    book: RuleBook,
    outputs: Sequence[Send | Publish],
    counts: Mapping[Outcome, int],
    as_of: int,
) -> Decision:
    """Kept until the horizon after the payment; what waits for it is looked at then."""
    lifetime = lifetime_ms(book)
    if payment.fact is not None:
        left_s = (payment.fact.time + lifetime - as_of) // 1000
        return Decision(payment, outputs=tuple(outputs), counts=counts, ttl_s=max(left_s, 1))
    if not payment.until:
        payment.until = as_of + lifetime
    return Decision(payment, outputs=tuple(outputs), counts=counts, due=payment.until)
