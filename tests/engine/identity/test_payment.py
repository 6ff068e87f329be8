# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.engine.decide import decide
from stream.engine.model.decision import Decision, Entity, Publish, Send
from stream.engine.model.facts import DISPUTED_RANK
from stream.engine.model.limits import (
    PAYERS_PER_PAYMENT_MAX,
    REFUNDS_PER_PAYMENT_MAX,
    WAITING_PER_PAYMENT_MAX,
)
from stream.engine.model.messages import FactReceived, Message, PaymentReported, RefundReported
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment
from tests.engine.build import ORIGIN, enrolment, purchase
from tests.support.books import BOOK, DAY, START

TX, TILL = "tx.t1", b"\x02till"
HORIZON = BOOK.payment_horizon_days * DAY


def apply(state: Entity | None, message: Message, as_of: int = START) -> Decision:
    return decide(TX, state, message, BOOK, as_of)


def back(number: int = 1, time: int = START, mchid: str = "") -> RefundReported:
    return RefundReported(f"r{number}", f"e{number}", time, 1, 1, mchid)


@pytest.fixture(name="torn")
def of_a_payment_with_as_many_payers_as_may_be() -> Payment:
    payment = Payment()
    for number in range(PAYERS_PER_PAYMENT_MAX):
        apply(payment, PaymentReported(f"origin.wxmp.o{number}", purchase(), TILL))
    apply(payment, back())
    return payment


def test_a_payment_with_too_many_payers_is_nobodys(torn: Payment) -> None:
    disputed = apply(torn, PaymentReported("origin.wxmp.o9", purchase(), TILL))
    *sent, published = disputed.outputs
    facts = [one.message.fact for one in sent if isinstance(one, Send)]  # type: ignore[union-attr]
    assert len(facts) == PAYERS_PER_PAYMENT_MAX + 1
    assert {(fact.rank, fact.fields["total_fen"]) for fact in facts} == {(DISPUTED_RANK, 0)}
    assert isinstance(published, Publish)
    assert (published.type, published.key) == ("payment.disputed.v1", TX)
    assert (published.data["transaction_id"], published.data["too_many"]) == ("t1", "payers")
    assert dict(disputed.counts) == {Outcome.APPLIED: -1, Outcome.REFUSED: 1}  # the refund


def test_who_comes_after_a_dispute_is_answered_alone_and_nothing_grows(torn: Payment) -> None:
    apply(torn, PaymentReported("origin.wxmp.o9", purchase(), TILL))
    further = apply(torn, PaymentReported("origin.wxmp.o10", purchase(), TILL))
    (sent,) = further.outputs
    assert isinstance(sent, Send)
    assert (sent.to, further.changed) == ("origin.wxmp.o10", False)
    named = apply(torn, FactReceived(enrolment()))
    assert (named.outputs, dict(named.counts)) == ((), {Outcome.REFUSED: 1})
    refund = apply(torn, back(2))
    assert (refund.outputs, dict(refund.counts)) == ((), {Outcome.REFUSED: 1})
    assert dict(apply(torn, back(2)).counts) == {Outcome.DUPLICATE: 1}


def test_a_refund_too_many_is_refused_and_a_known_one_a_duplicate() -> None:
    payment = Payment(ORIGIN, purchase())
    for number in range(REFUNDS_PER_PAYMENT_MAX):
        assert dict(apply(payment, back(number)).counts) == {Outcome.APPLIED: 1}
    further = apply(payment, back(99))
    assert (further.changed, dict(further.counts)) == (False, {Outcome.REFUSED: 1})
    assert dict(apply(payment, back(7)).counts) == {Outcome.DUPLICATE: 1}


def test_what_waits_for_a_payment_is_so_much_and_no_more() -> None:
    payment = Payment()
    for number in range(WAITING_PER_PAYMENT_MAX):
        waits = apply(payment, FactReceived(enrolment(f"M{number}")))
        assert dict(waits.counts) == {Outcome.PARKED: 1}
    further = apply(payment, FactReceived(enrolment("M100")))
    assert (further.changed, dict(further.counts)) == (False, {Outcome.REFUSED: 1})
    assert dict(apply(payment, FactReceived(enrolment("M7"))).counts) == {Outcome.DUPLICATE: 1}
    paid = apply(payment, PaymentReported(ORIGIN, purchase()))
    assert len(paid.outputs) == WAITING_PER_PAYMENT_MAX
    assert dict(paid.counts) == {Outcome.PARKED: -WAITING_PER_PAYMENT_MAX}


def test_a_refund_by_another_merchant_than_was_paid_is_refused_until_that_one_reports() -> None:
    fact = purchase()
    fact.fields["mchid"] = "1"
    payment = Payment(ORIGIN, fact)
    assert dict(apply(payment, back(1, mchid="2")).counts) == {Outcome.REFUSED: 1}
    other = purchase()
    other.fields["mchid"] = "2"
    heard = apply(payment, PaymentReported(ORIGIN, other, b"\1mall"))
    assert dict(heard.counts) == {Outcome.APPLIED: 1, Outcome.REFUSED: -1}


@pytest.mark.parametrize(("after", "outcome"), [(0, Outcome.APPLIED), (1, Outcome.LATE)])
def test_after_its_horizon_a_refund_is_late(after: int, outcome: Outcome) -> None:
    refund = back(time=START + HORIZON + after)
    decision = apply(Payment(ORIGIN, purchase()), refund, as_of=START + HORIZON + after)
    assert dict(decision.counts) == {outcome: 1}
    assert decision.changed is (outcome is Outcome.APPLIED)
