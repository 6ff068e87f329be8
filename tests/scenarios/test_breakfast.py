# SPDX-License-Identifier: Apache-2.0
"""The story the product is for: breakfast every day, never a member, then a first follow."""

from __future__ import annotations

from tests.scenarios.story import play


def test_breakfast_every_day_and_then_a_follow() -> None:
    play("""
        given 2026-02-01 14:00  Mei@oa=Mei checks in with k1
        given 2026-02-01 14:30  Mei@mp logs in as Mei
        2026-03-02..2026-03-06 08:10  Mei@mp pays 12.50 for t*
          > at 03-02 08:10 Mei accrual +12 spend@1, balance 27
          > at 03-03 08:10 Mei accrual +12 spend@1, balance 39
          > at 03-04 08:10 Mei accrual +12 spend@1, balance 51
          > at 03-05 08:10 Mei accrual +12 spend@1, balance 63
          > at 03-06 08:10 Mei accrual +12 spend@1, balance 75
        2026-03-07 20:00  Mei@oa follows
          > Mei offer issued: 75 + coffee until 03-14 20:00 for 5 purchase, 1 check_in
        2026-03-08 09:00  Mei enrols as M1
          > Mei payout -75, balance 0
          > Mei payout of 75 points to M1
          > Mei offer accepted: 75 by M1
    """)


def test_paying_alone_offers_nothing() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 99.90 for t1
          > Mei@mp accrual +99 spend@1, balance 99
        2026-03-20 08:10  time passes
    """)


def test_shares_and_follows_earn_nothing_and_still_set_off_an_offer() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-02 10:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 10:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei@mp offer withdrawn: superseded
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei offer issued: 30 until 03-09 09:00 for 1 purchase
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer revised: 35 until 03-09 10:00 for 1 purchase
        2026-03-02 11:00  Li@oa follows
    """)
