# SPDX-License-Identifier: Apache-2.0
"""The payout is the offer; what belongs before it and comes later is settled, too."""

from __future__ import annotations

from tests.scenarios.brand import rules
from tests.scenarios.story import by, play


def test_enrolment_pays_exactly_what_was_offered_and_closes() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 09:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer issued: 35 until 03-09 09:00 for 1 purchase
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -35, balance 0
          > Mei payout of 35 points to M1
          > Mei offer accepted: 35 by M1
        2026-03-04 08:00  Mei@mp pays 50.00 for t2
          > counts: member +1
        2026-03-04 09:00  Mei@mp shares /menu
          > counts: member +1
    """)


def test_an_event_from_before_the_enrolment_is_paid_when_it_arrives() -> None:
    play("""
        2026-03-02 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 09:00 by session.logged_in
          > Mei accrual +5 welcome@1, balance 5
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -5, balance 0
          > Mei payout of 5 points to M1
        2026-03-02 08:00  Mei@mp pays 30.00 for t1  [arrives 2026-03-04 08:00]
          > Mei accrual +30 spend@1, balance 30
          > Mei payout -30, balance 0
          > Mei supplementary payout of 30 points to M1
        2026-03-02 08:30  Mei@mp pays 7.00 for t2   [arrives 2026-03-04 09:00]
          > Mei accrual +7 spend@1, balance 7
          > Mei payout -7, balance 0
          > Mei supplementary payout of 7 points to M1
    """)


def test_a_refund_after_the_payout_corrects_it() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-03 09:00  Mei@mp enrols as M1
          > Mei@mp payout -30, balance 0
          > Mei@mp payout of 30 points to M1
        2026-03-10 09:00  t1 is refunded 10.00 by r1
          > Mei@mp clawback -10 spend@1, balance -10
          > Mei@mp payout_correction +10, balance 0
          > Mei@mp payout to M1 corrected by -10
        2026-03-11 09:00  t1 is refunded 20.00 by r2
          > Mei@mp clawback -20 spend@1, balance -20
          > Mei@mp payout_correction +20, balance 0
          > Mei@mp payout to M1 corrected by -20
    """)


def test_a_payer_enrols_at_the_till_before_the_payment_is_known() -> None:
    play("""
        2026-03-02 08:01  payer-of-t1 enrols as M1
          > counts: parked +1
        2026-03-02 08:00  Mei@mp pays 30.00 for t1  [arrives 2026-03-02 09:00]
          > Mei@mp accrual +30 spend@1, balance 30
          > Mei@mp payout -30, balance 0
          > Mei@mp payout of 30 points to M1
          > counts: applied +2, parked -1
    """)


def test_or_after_it() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:01  payer-of-t1 enrols as M1
          > Mei@mp payout -30, balance 0
          > Mei@mp payout of 30 points to M1
    """)


def test_of_two_enrolments_the_earlier_one_is_paid() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-04 09:00  Mei@mp enrols as M2
          > Mei@mp payout -30, balance 0
          > Mei@mp payout of 30 points to M2
        2026-03-03 09:00  Mei@mp enrols as M1  [arrives 2026-03-05 09:00]
          > Mei@mp payout -30, balance -30
          > Mei@mp payout of 30 points to M1
          > Mei@mp payout_correction +30, balance 0
          > Mei@mp payout to M2 corrected by -30
    """)


def test_what_was_paid_out_expires_no_more() -> None:
    by(rules(expiry_days=10))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-03 09:00  Mei@mp enrols as M1
          > Mei@mp payout -30, balance 0
          > Mei@mp payout of 30 points to M1
        2026-03-20 09:00  time passes
    """)


def test_a_member_who_turns_out_to_own_another_origin_is_paid_for_it() -> None:
    play("""
        2026-03-01 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -10, balance 0
          > Mei payout of 10 points to M1
        2026-03-04 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-04 09:00 by session.logged_in
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei payout -30, balance 0
          > Mei supplementary payout of 30 points to M1
          > counts: member +1
    """)
