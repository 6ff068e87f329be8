from __future__ import annotations

import pytest

from stream.engine.calendar import DAY_MS
from stream.engine.messages import Arrived
from stream.engine.payment import Payment, lifetime_ms
from stream.engine.ruleset import RuleBook
from tests.engine.build import ORIGIN, enrolment, purchase


def paid(fen: int = 1000) -> Payment:
    return Payment(ORIGIN, purchase(fen=fen))


def test_the_net_amount_is_what_all_refunds_leave() -> None:
    payment = paid()
    assert payment.add_refund("r1", 300, 250) == (True, True)
    assert payment.add_refund("r2", 200, 200) == (True, True)
    net = payment.net("e9")
    assert net.fact.fields == {"total_fen": 500, "payer_total_fen": 550}
    assert (net.fact.rank, net.fact.event_id, net.fact.time) == (500, "e9", purchase().time)
    assert (net.origin, net.fact.key, net.counted) == (ORIGIN, "payment:t1", False)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ((300, 250), (300, 250), (300, 250)),
        ((300, 250), (100, 100), (300, 250)),
        ((100, 100), (300, 250), (300, 250)),
        ((100, 250), (300, 100), (300, 250)),
    ],
)
def test_a_refund_is_known_by_its_id_and_the_larger_amounts_hold(
    first: tuple[int, int], second: tuple[int, int], kept: tuple[int, int]
) -> None:
    payment = paid()
    assert payment.add_refund("r1", *first) == (True, True)
    assert payment.add_refund("r1", *second) == (False, kept != first)
    assert list(payment.refunds.values()) == [kept]


def test_more_refunded_than_paid_leaves_nothing_and_not_less() -> None:
    payment = paid(1000)
    payment.add_refund("r1", 900, 900)
    payment.add_refund("r2", 900, 900)
    net = payment.net("e9").fact
    assert (net.fields["total_fen"], net.fields["payer_total_fen"], net.rank) == (0, 0, 1800)


def test_what_waits_is_counted_until_the_payer_is_known() -> None:
    payment = Payment()
    payment.add_refund("r1", 1, 1)
    payment.waiting.append(Arrived(enrolment()))
    assert payment.parked == 2
    payment.fact = purchase()
    assert payment.parked == 0


def test_a_payment_is_kept_for_its_horizon_and_a_month_more() -> None:
    assert lifetime_ms(RuleBook((), payment_horizon_days=366)) == 397 * DAY_MS
