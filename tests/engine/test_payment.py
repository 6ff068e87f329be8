from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from stream.engine.calendar import DAY_MS
from stream.engine.earning import is_void
from stream.engine.facts import RANK_STEP
from stream.engine.messages import Arrived, Paid
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


# more than one report -----------------------------------------------------------------------------

OTHER = "origin.wxoa.oMei"


def report(origin: str = ORIGIN, *, mall: bool = False, **changes: Any) -> Paid:
    fact = purchase()
    fields = fact.fields | changes
    rank = -RANK_STEP if mall else 0
    return Paid(origin, msgspec.structs.replace(fact, fields=fields, rank=rank))


REPORTS = [
    report(trade_type="JSAPI"),
    report(),
    report(mall=True, shop_number="50001"),
    report(OTHER, mall=True),
    report("origin.wxzz.oMei", total_fen=900),
]


@pytest.mark.parametrize("order", list(permutations(range(len(REPORTS)))))
def test_whoever_reports_first_the_payment_ends_the_same(order: tuple[int, ...]) -> None:
    payment = Payment()
    assert [payment.hear(REPORTS[n]) for n in order] == [True] * 5
    assert [payment.hear(REPORTS[n]) for n in order] == [False] * 5
    assert (payment.origin, payment.fact) == (ORIGIN, REPORTS[0].fact)  # the fullest of hers
    assert payment.others == {
        OTHER: REPORTS[3].fact,
        "origin.wxzz.oMei": REPORTS[4].fact,
    }


def test_the_same_said_by_another_event_is_no_further_report() -> None:
    payment = Payment()
    payment.hear(report())
    fact = msgspec.structs.replace(purchase(), event_id="e9")
    assert not payment.hear(Paid(ORIGIN, fact))
    assert payment.reports == []
    assert list(payment.standing("e9")) == []


def test_a_mall_counts_until_the_shop_reports() -> None:
    payment = Payment()
    payment.hear(report(OTHER, mall=True))
    payment.add_refund("r1", 100, 100)
    (net,) = payment.standing("e2")
    assert (net.origin, net.fact.rank) == (OTHER, 100 - RANK_STEP)
    payment.hear(report())
    counts, nothing = payment.standing("e3")
    assert (counts.origin, counts.fact.fields["total_fen"]) == (ORIGIN, 900)
    assert (nothing.origin, nothing.fact.fields["total_fen"]) == (OTHER, 0)
    assert not is_void(counts.fact)
    assert is_void(nothing.fact)
    assert counts.fact.rank > nothing.fact.rank > net.fact.rank
    payment.hear(report("origin.wxzz.oMei"))
    assert min(said.fact.rank for said in payment.standing("e4")) > counts.fact.rank


def test_all_who_are_said_to_have_paid_are_kin_of_one_another() -> None:
    payment = Payment()
    payment.hear(report())
    assert list(payment.kin(report())) == []
    payment.hear(report(OTHER))
    (kin,) = payment.kin(report(OTHER))
    assert (kin.origin, kin.since) == (ORIGIN, purchase().time)
    assert list(kin.shared) == ["union.wxmp.oMei"]
    payment.hear(report("origin.wxaa.oMei"))
    assert [k.origin for k in payment.kin(report("origin.wxaa.oMei"))] == [ORIGIN, OTHER]
