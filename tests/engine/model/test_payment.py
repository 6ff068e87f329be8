# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from schemas.shop import SHOP_ORDER_PAID
from stream.engine.identity.payment import introductions
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.facts import DISPUTED_RANK
from stream.engine.model.messages import FactReceived, PaymentReported, RefundReported
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment, Refund, Report, lifetime_ms
from stream.engine.model.ruleset import RuleBook, Value
from stream.engine.points.earning import is_void
from tests.engine.build import ORIGIN, enrolment, login, purchase
from tests.support.books import START


def paid(fen: int = 1000) -> Payment:
    return Payment(ORIGIN, purchase(fen=fen))


def back(id_: str, order_fen: int, payer_fen: int, mchid: str = "") -> RefundReported:
    return RefundReported(id_, "e2", START, order_fen, payer_fen, mchid)


def test_the_net_amount_is_what_all_refunds_leave() -> None:
    payment = paid()
    assert payment.refund(back("r1", 300, 250)) == (True, True)
    assert payment.refund(back("r2", 200, 200)) == (True, True)
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
    assert payment.refund(back("r1", *first)) == (True, True)
    assert payment.refund(back("r1", *second)) == (False, kept != first)
    assert list(payment.refunds.values()) == [[Refund("", *kept)]]


def test_more_refunded_than_paid_leaves_nothing_and_not_less() -> None:
    payment = paid(1000)
    payment.refund(back("r1", 900, 900))
    payment.refund(back("r2", 900, 900))
    net = payment.net("e9").fact
    assert (net.fields["total_fen"], net.fields["payer_total_fen"], net.rank) == (0, 0, 1000)


def test_only_who_was_paid_gives_money_back() -> None:
    payment = Payment()
    payment.refund(back("r1", 900, 900, "2"))
    payment.refund(back("r2", 100, 100, "1"))
    payment.take_report(report(mchid="1"))
    assert payment.verdicts() == {Outcome.APPLIED: 1, Outcome.REFUSED: 1}
    assert payment.net("e9").fact.fields["total_fen"] == 900
    payment.refund(back("r1", 200, 200, "1"))  # the same refund, by the merchant
    assert payment.verdicts() == {Outcome.APPLIED: 2, Outcome.REFUSED: 0}
    assert payment.net("e9").fact.fields["total_fen"] == 700
    payment.take_report(report(mall=True, mchid="2"))  # the mall: it may say so, too
    assert payment.net("e9").fact.fields["total_fen"] == 0


def test_what_waits_is_counted_until_the_payer_is_known() -> None:
    payment = Payment()
    payment.refund(back("r1", 1, 1))
    uncounted = FactReceived(login(), counted=False)
    payment.waiting = {b"123456": FactReceived(enrolment()), b"654321": uncounted}
    assert payment.parked == 2
    payment.fact = purchase()
    assert payment.parked == 0


def test_a_payment_is_kept_for_its_horizon_and_a_month_more() -> None:
    assert lifetime_ms(RuleBook((), payment_horizon_days=366)) == 397 * DAY_MS


# more than one report -----------------------------------------------------------------------------

OTHER = "origin.wxoa.oMei"
REAL = "4200002231202603010000000001"
MALL, TILL = b"\x01mall", b"\x02till"


def report(
    origin: str = ORIGIN,
    *,
    mall: bool = False,
    by: bytes = b"",
    after_ms: int = 0,
    id_: str = "t1",
    **changes: Any,
) -> PaymentReported:
    fact = purchase(id_, time=START + after_ms)
    fact = msgspec.structs.replace(fact, fields=fact.fields | changes)
    return PaymentReported(origin, fact, MALL if mall else by)


REPORTS = [
    report(trade_type="JSAPI"),
    report(),
    report(mall=True, shop_number="50001"),
    report(OTHER, mall=True),
    report("origin.wxzz.oMei", total_fen=900),
    report("origin.wxaa.oMei", by=TILL, trade_type="JSAPI", mchid="1"),
]


def test_what_pay_and_a_shop_say_of_partial_refunds_is_the_same_money() -> None:
    by_shop = report(by=b"\x00shop", mchid="wxshop")
    fact = msgspec.structs.replace(by_shop.fact, type=SHOP_ORDER_PAID)
    said: list[PaymentReported | RefundReported] = [
        report(mchid="1"),
        msgspec.structs.replace(by_shop, fact=fact),
        back("r1", 300, 300, "1"),
        back("r2", 200, 150, "1"),
        back("after-sale-1", 300, 300, "wxshop"),
        back("after-sale-2", 200, 200, "wxshop"),
    ]
    for order in permutations(said):
        payment = Payment()
        for message in order:
            if isinstance(message, PaymentReported):
                payment.take_report(message)
            else:
                payment.refund(message)
        assert payment.refunded() == (500, 500)


@pytest.mark.parametrize("order", list(permutations(range(len(REPORTS))))[::7])
def test_whoever_reports_first_the_payment_ends_the_same(order: tuple[int, ...]) -> None:
    payment = Payment()
    assert [payment.take_report(REPORTS[n]) for n in order] == [True] * 6
    assert [payment.take_report(REPORTS[n]) for n in order] == [False] * 6
    assert (payment.origin, payment.fact) == (ORIGIN, REPORTS[0].fact)  # the fullest of hers
    assert payment.payers() == {
        ORIGIN: REPORTS[0].fact,
        OTHER: REPORTS[3].fact,
        "origin.wxzz.oMei": REPORTS[4].fact,
        "origin.wxaa.oMei": REPORTS[5].fact,
    }
    assert payment.dispute() == ""


def test_the_same_said_by_another_event_is_no_further_report() -> None:
    payment = Payment()
    payment.take_report(report())
    fact = msgspec.structs.replace(purchase(), event_id="e9")
    assert not payment.take_report(PaymentReported(ORIGIN, fact))
    assert payment.others == []
    assert list(payment.restatements("e9")) == []
    assert payment.take_report(PaymentReported(ORIGIN, fact, TILL))  # by somebody else it is


def test_a_mall_counts_until_the_shop_reports_and_a_till_until_either_does() -> None:
    payment = Payment()
    payment.take_report(report("origin.wxaa.oMei", by=TILL))
    assert payment.origin == "origin.wxaa.oMei"
    payment.take_report(report(OTHER, mall=True))
    payment.refund(back("r1", 100, 100))
    net, nothing = payment.restatements("e2")
    assert (net.origin, net.fact.fields["total_fen"]) == (OTHER, 900)
    assert (nothing.origin, nothing.fact.fields["total_fen"]) == ("origin.wxaa.oMei", 0)
    payment.take_report(report())
    counts, *nothings = payment.restatements("e3")
    assert (counts.origin, counts.fact.fields["total_fen"]) == (ORIGIN, 900)
    assert [one.origin for one in nothings] == [OTHER, "origin.wxaa.oMei"]
    assert not is_void(counts.fact)
    assert all(is_void(one.fact) for one in nothings)
    assert counts.fact.rank > nothings[0].fact.rank > net.fact.rank
    payment.take_report(report("origin.wxzz.oMei"))
    assert min(said.fact.rank for said in payment.restatements("e4")) > counts.fact.rank


def aliases(first: PaymentReported, second: PaymentReported) -> list[str]:
    payment = Payment()
    payment.take_report(first)
    assert list(introductions(payment, first)) == []
    payment.take_report(second)
    return [introduced.origin for introduced in introductions(payment, second)]


def test_whom_shop_and_mall_both_name_is_one_person() -> None:
    shop, mall = report(id_=REAL), report(OTHER, mall=True, id_=REAL)
    assert aliases(shop, mall) == [ORIGIN]
    assert aliases(mall, shop) == [OTHER]
    payment = Payment()
    payment.take_report(shop)
    payment.take_report(mall)
    (introduced,) = introductions(payment, mall)
    assert (introduced.since, introduced.introduced) == (START, True)
    assert list(introduced.shared) == ["union.wxmp.oMei"]


@pytest.mark.parametrize(
    "other",
    [
        report(OTHER, id_=REAL),  # the same reporter
        report(OTHER, by=b"\x00shop", id_=REAL),  # another shop
        report(OTHER, by=TILL, id_=REAL),  # whoever holds the receipt
        report(OTHER, mall=True, id_=REAL, total_fen=999),
        report(OTHER, mall=True, id_=REAL, after_ms=60_001),
        report(ORIGIN, mall=True, id_=REAL),
    ],
)
def test_nobodys_word_alone_makes_two_people_one(other: PaymentReported) -> None:
    assert aliases(report(id_=REAL), other) == []
    assert aliases(other, report(id_=REAL)) == []


@pytest.mark.parametrize(
    "id_", ["0", "t1", "0" * 28, "1" * 32, "4200", "4" * 20 + "2" * 8, "4" * 33, "4200abc" * 4]
)
def test_what_cannot_be_an_id_of_wechats_makes_no_aliases(id_: str) -> None:
    assert aliases(report(id_=id_), report(OTHER, mall=True, id_=id_)) == []


def test_shop_and_mall_may_differ_a_minute_and_by_what_a_coupon_paid() -> None:
    shop = report(id_=REAL, payer_total_fen=800)
    mall = report(OTHER, mall=True, id_=REAL, total_fen=800, after_ms=60_000)
    assert aliases(shop, mall) == [ORIGIN]


def test_a_fifth_payer_is_a_dispute() -> None:
    payment = Payment()
    for number in range(4):
        payment.take_report(report(f"origin.wxmp.o{number}", by=TILL))
        assert payment.dispute() == ""
    payment.take_report(report("origin.wxmp.o9", by=TILL))
    assert payment.dispute() == "payers"
    refused = list(payment.refusals("e9"))
    assert [one.origin[-1] for one in refused] == ["0", "1", "2", "3", "9"]
    assert {one.fact.rank for one in refused} == {DISPUTED_RANK}
    payment.settle_dispute()
    assert not payment.take_report(report("origin.wxmp.o7", by=TILL))
    assert payment.others == []


def test_a_thirteenth_report_is_a_dispute() -> None:
    payment = Payment()
    for number in range(12):
        payment.take_report(report(by=TILL, total_fen=1 + number))
        assert payment.dispute() == ""
    payment.take_report(report(by=TILL, total_fen=99))
    assert payment.dispute() == "reports"


def test_what_was_bought_is_known_whoever_reports_the_payment_and_in_whatever_order() -> None:
    """WeChat Pay says more of the payment, and the shop alone what was bought."""
    tea: list[dict[str, str | int]] = [{"category": "tea"}]
    paid = purchase()
    more: dict[str, Value] = {**paid.fields, "trade_type": "JSAPI", "mchid": "1"}
    said = msgspec.structs.replace(paid, fields=more)
    shop, other = (
        msgspec.structs.replace(paid, fields={**paid.fields, "categories": number}, lines=lines)
        for number, lines in ((1, tea), (2, [*tea, {"category": "coffee"}]))
    )
    nets = []
    for order in permutations([said, shop, other]):
        payment = Payment()
        for fact in order:
            assert payment.take_report(PaymentReported(ORIGIN, fact))
        payment.refund(back("r1", 300, 250))
        nets.append(payment.net("e9").fact)
    assert all(net == nets[0] for net in nets)
    left = {"categories": 1, "total_fen": 700, "payer_total_fen": 750}
    assert nets[0].fields == said.fields | left
    assert nets[0].lines == tea


def test_the_worthiest_report_is_the_least() -> None:
    shop, mall = Report(OTHER, purchase()), Report(ORIGIN, purchase(), MALL)
    till = Report(ORIGIN, purchase(), TILL)
    assert sorted([till, mall, shop], key=lambda one: one.worth) == [shop, mall, till]
