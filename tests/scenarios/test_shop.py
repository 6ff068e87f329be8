# SPDX-License-Identifier: Apache-2.0
"""Orders of a WeChat Shop: the order itself says who paid, and after-sales take points back."""

from __future__ import annotations

from stream.engine.model.ruleset import Condition, EarningRule, Op
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import rules
from tests.scenarios.story import by, play


def test_an_order_says_who_paid_and_brings_earlier_ones_along() -> None:
    play("""
        2026-03-01 08:10  Mei@shop pays 15.00 in the shop for o-1
          > Mei@shop accrual +15 spend@1, balance 15
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei@shop transfer_out -15 with Mei, balance 0
          > Mei transfer_in +15 with Mei@shop, balance 15
          > Mei accrual +129 spend@1, balance 144
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei [again]
          > counts: duplicate +1
        2026-03-03 08:10  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-03 08:10 by session.logged_in
          > Mei accrual +5 welcome@1, balance 149
          > Mei offer issued: 149 + coffee + gift until 03-10 08:10 for 2 purchase
    """)


def test_refunds_of_after_sales_take_points_back_once_each() -> None:
    """The last is of the order as a whole: together they are never more than was paid."""
    play("""
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei accrual +129 spend@1, balance 129
        2026-03-04 08:10  the shop refunds 59.00 of o-2 by a1
          > Mei clawback -59 spend@1, balance 70
        2026-03-04 08:10  the shop refunds 59.00 of o-2 by a1 [again]
          > counts: duplicate +1
        2026-03-05 08:10  the shop refunds 50.00 of o-2 by a2
          > Mei clawback -50 spend@1, balance 20
        2026-03-06 08:10  the shop refunds 129.00 of o-2 by no-o-2
          > Mei clawback -20 spend@1, balance 0
    """)


def test_a_refund_may_come_first() -> None:
    play("""
        2026-03-04 08:10  the shop refunds 59.00 of o-2 by a1
          > counts: parked +1
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei [arrives 2026-03-04 09:00]
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei accrual +129 spend@1, balance 129
          > Mei clawback -59 spend@1, balance 70
          > counts: applied +2, parked -1
    """)


def test_what_wechat_pay_reports_too_counts_once() -> None:
    """It counts for the first payer by name: nobody's word alone makes the two one person."""
    play("""
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei accrual +129 spend@1, balance 129
        2026-03-02 08:10  Mei@mp pays 129.00 for o-2 [arrives 2026-03-02 08:12]
          > Mei@mp accrual +129 spend@1, balance 129
          > Mei clawback -129 spend@1, balance 0
        2026-03-04 08:10  the shop refunds 29.00 of o-2 by a1
          > Mei@mp clawback -29 spend@1, balance 100
    """)


def test_in_whatever_order() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 129.00 for o-2
          > Mei@mp accrual +129 spend@1, balance 129
        2026-03-04 08:10  the shop refunds 29.00 of o-2 by a1
          > counts: refused +1
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei [arrives 2026-03-04 09:00]
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei accrual +129 spend@1, balance 129
          > Mei@mp clawback -29 spend@1, balance 100
          > Mei clawback -129 spend@1, balance 0
          > counts: applied +2, refused -1
    """)


def test_only_the_shops_own_refunds_count() -> None:
    play("""
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei
          > Mei@shop bound to Mei since 03-02 08:10 by shop_order.paid
          > Mei accrual +129 spend@1, balance 129
        2026-03-04 08:10  o-2 is refunded 29.00 by r1
          > counts: refused +1
    """)


def test_who_was_erased_does_not_come_back_with_an_order_listed_late() -> None:
    play("""
        2026-03-01 08:10  Mei@shop pays 15.00 in the shop for o-1 as Mei
          > Mei@shop bound to Mei since 03-01 08:10 by shop_order.paid
          > Mei accrual +15 spend@1, balance 15
        2026-03-03 08:10  Mei asks to be forgotten
          > Mei expiry -15, balance 0
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2 as Mei [arrives 2026-03-04 09:00]
          > counts: refused +1
        2026-03-04 09:10  the shop refunds 29.00 of o-2 by a1
          > counts: parked +1
    """)


def test_a_rule_may_be_for_a_shop() -> None:
    here = (Condition("appid", Op.EQ, "wxshop"),)
    by(rules(EarningRule("shop", Touchpoint.PURCHASE, points=7, when=here)))("""
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 08:10  Mei@shop pays 129.00 in the shop for o-2
          > Mei@shop accrual +7 shop@1, balance 7
          > Mei@shop accrual +129 spend@1, balance 136
    """)
