# SPDX-License-Identifier: Apache-2.0
"""Refunds claw back by the same rule on the net amount, whatever came first."""

from __future__ import annotations

from tests.scenarios.story import play


def test_a_partial_refund_is_judged_on_what_is_left() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 12.50 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 18:00  t1 is refunded 3.00 by r1
          > Mei@mp clawback -3 spend@1, balance 9
    """)


def test_several_partial_refunds_never_drift() -> None:
    """12.50 - 0.60 - 0.60 - 0.30 = 11.00: what counts is the sum that is left, not each refund."""
    play("""
        2026-03-02 08:10  Mei@mp pays 12.50 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 18:00  t1 is refunded 0.60 by r1
          > Mei@mp clawback -1 spend@1, balance 11
        2026-03-02 19:00  t1 is refunded 0.60 by r2
        2026-03-02 20:00  t1 is refunded 0.30 by r3
    """)


def test_a_full_refund_takes_everything_and_the_purchase_counts_no_more() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:20  Mei@mp pays 25.00 for t2
          > Mei@mp accrual +25 spend@1, balance 55
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 55 + coffee until 03-09 09:00 for 2 purchase
        2026-03-02 18:00  t1 is refunded 30.00 by r1
          > Mei@mp clawback -30 spend@1, balance 25
          > Mei@mp offer revised: 25 until 03-09 09:00 for 1 purchase
        2026-03-02 19:00  t2 is refunded 25.00 by r2
          > Mei@mp clawback -25 spend@1, balance 0
          > Mei@mp offer withdrawn: below_threshold
    """)


def test_a_refund_may_come_before_its_payment() -> None:
    play("""
        2026-03-02 18:00  t1 is refunded 3.00 by r1
          > counts: parked +1
        2026-03-02 08:10  Mei@mp pays 12.50 for t1  [arrives 2026-03-03 09:00]
          > Mei@mp accrual +12 spend@1, balance 12
          > Mei@mp clawback -3 spend@1, balance 9
          > counts: applied +2, parked -1
    """)


def test_coupons_earn_nothing() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 12.50 for t1 (9.50 after coupons)
          > Mei@mp accrual +9 spend@1, balance 9
        2026-03-02 18:00  t1 is refunded 12.50 by r1 (9.50 after coupons)
          > Mei@mp clawback -9 spend@1, balance 0
    """)


def test_a_reverted_check_in_never_was() -> None:
    play("""
        2026-03-02 14:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 14:10  Mei checks in with k2
          > Mei accrual +10 visit@1, balance 20
          > Mei offer issued: 20 until 03-09 14:10 for 2 check_in
        2026-03-02 14:20  Mei did not check in with k1 at 2026-03-02 14:00
          > Mei clawback -10 visit@1, balance 10
          > Mei offer withdrawn: below_threshold
    """)


def test_not_even_when_the_reversal_comes_first() -> None:
    play("""
        2026-03-02 14:20  Mei did not check in with k1 at 2026-03-02 14:00
        2026-03-02 14:00  Mei checks in with k1  [arrives 2026-03-02 14:30]
    """)
