# SPDX-License-Identifier: Apache-2.0
"""Who is who: late binds, conflicts, ids that bind nobody, and people who never meet."""

from __future__ import annotations

from tests.scenarios.story import play


def test_weeks_of_breakfast_follow_their_consumer_when_a_login_says_who_it_was() -> None:
    play("""
        given 2026-03-01..2026-03-28 08:10  Mei@mp pays 10.00 for t*
        2026-03-28 08:20  Mei@mp shares /menu
          > Mei@mp offer issued: 280 + coffee + gift until 04-04 08:20 for 28 purchase
        2026-03-28 14:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-28 15:00  Mei checks in with k2
          > Mei accrual +10 visit@1, balance 20
          > Mei offer issued: 20 until 04-04 15:00 for 2 check_in
        2026-03-28 20:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-28 20:00 by session.logged_in
          > Mei@mp transfer_out -280 with Mei, balance 0
          > Mei@mp offer withdrawn: superseded
          > Mei transfer_in +280 with Mei@mp, balance 300
          > Mei offer withdrawn: superseded
          > Mei offer issued: 300 + coffee + gift until 04-04 15:00 for 28 purchase, 2 check_in
          > Mei accrual +5 welcome@1, balance 305
          > Mei offer revised: 305 + coffee + gift until 04-04 20:00 for 28 purchase, 2 check_in
        2026-03-29 08:10  Mei@mp pays 10.00 for t29
          > Mei accrual +10 spend@1, balance 315
          > Mei offer revised: 315 + coffee + gift until 04-04 20:00 for 29 purchase, 2 check_in
    """)


def test_both_apps_of_one_person_are_one_account() -> None:
    play("""
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 09:00  Mei@oa=Mei checks in with k1
          > Mei@oa bound to Mei since 03-02 09:00 by attendee.checked_in
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 09:05  Mei@mp=Mei checks in with k2
          > Mei@mp bound to Mei since 03-02 09:05 by attendee.checked_in
          > Mei@mp transfer_out -12 with Mei, balance 0
          > Mei transfer_in +12 with Mei@mp, balance 22
          > Mei offer issued: 22 until 03-09 09:00 for 1 purchase, 1 check_in
          > Mei accrual +10 visit@1, balance 32
          > Mei offer revised: 32 until 03-09 09:05 for 2 check_in, 1 purchase
    """)


def test_of_two_union_ids_the_earlier_evidence_wins() -> None:
    play("""
        2026-03-01 08:00  Mei@mp pays 40.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in
          > Mei@mp transfer_out -40 with Mei, balance 0
          > Mei transfer_in +40 with Mei@mp, balance 40
          > Mei accrual +5 welcome@1, balance 45
          > Mei offer issued: 45 until 03-09 08:00 for 1 purchase
        2026-03-03 08:00  Mei@mp logs in as Li
          > Mei@mp conflict: Mei since 03-02 08:00, not Li since 03-03 08:00
        2026-03-04 08:00  Li checks in with k1
          > Li accrual +10 visit@1, balance 10
    """)


def test_and_does_so_when_it_comes_last() -> None:
    play("""
        2026-03-01 08:00  Mei@mp pays 40.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-03 08:00  Mei@mp logs in as Li
          > Mei@mp bound to Li since 03-03 08:00 by session.logged_in
          > Mei@mp transfer_out -40 with Li, balance 0
          > Li transfer_in +40 with Mei@mp, balance 40
          > Li accrual +5 welcome@1, balance 45
          > Li offer issued: 45 until 03-10 08:00 for 1 purchase
        2026-03-03 08:00  Li checks in with k1    [arrives 2026-03-04 08:00]
          > Li accrual +10 visit@1, balance 55
          > Li offer revised: 55 + coffee until 03-10 08:00 for 1 purchase, 1 check_in
        2026-03-02 08:00  Mei@mp logs in as Mei   [arrives 2026-03-05 08:00]
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in (generation 2)
          > Mei@mp conflict: Mei since 03-02 08:00, not Li since 03-03 08:00
          > Li transfer_out -45 with Mei, balance 10
          > Li offer withdrawn: below_threshold
          > Mei accrual +5 welcome@1, balance 5
          > Mei transfer_in +45 with Li, balance 50
          > Mei clawback -5 welcome@1, balance 45
          > Mei offer issued: 45 until 03-10 08:00 for 1 purchase
    """)


def test_a_snapshot_user_binds_nobody() -> None:
    play("""
        2026-03-02 08:00  Mei@mp logs in as Mei on a snapshot
          > counts: refused +1
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 08:20  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:20 by session.logged_in
          > Mei@mp transfer_out -12 with Mei, balance 0
          > Mei transfer_in +12 with Mei@mp, balance 12
          > Mei accrual +5 welcome@1, balance 17
    """)


def test_two_open_platform_accounts_never_meet() -> None:
    play("""
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in
          > Mei accrual +5 welcome@1, balance 5
        2026-03-02 08:10  Mei@gym logs in as Mei
          > Mei@gym bound to Mei/fit since 03-02 08:10 by session.logged_in
          > Mei/fit accrual +5 welcome@1, balance 5
        2026-03-02 08:20  Mei@gym pays 30.00 for t1
          > Mei/fit accrual +30 spend@1, balance 35
          > Mei/fit offer issued: 35 until 03-09 08:10 for 1 purchase
        2026-03-02 08:30  Mei@gym=Mei checks in with k1
          > dead letter: unknown_app
        2026-03-02 08:40  Mei@gym=Mei/fit checks in with k1
          > Mei/fit accrual +10 visit@1, balance 45
          > Mei/fit offer revised: 45 until 03-09 08:40 for 1 purchase, 1 check_in
    """)


def test_an_unbound_origin_takes_its_own_points_home_and_no_others() -> None:
    play("""
        2026-03-01 08:00  Mei@mp pays 40.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-01 09:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in
          > Mei@mp transfer_out -40 with Mei, balance 0
          > Mei transfer_in +40 with Mei@mp, balance 50
          > Mei offer issued: 50 + coffee until 03-08 09:00 for 1 purchase, 1 check_in
          > Mei accrual +5 welcome@1, balance 55
          > Mei offer revised: 55 + coffee until 03-09 08:00 for 1 purchase, 1 check_in
        2026-03-03 08:00  Mei@mp is not Mei
          > Mei@mp unbound from Mei
          > Mei transfer_out -45 with Mei@mp, balance 10
          > Mei offer withdrawn: below_threshold
          > Mei@mp transfer_in +45 with Mei, balance 45
          > Mei@mp offer issued: 45 until 03-09 08:00 for 1 purchase
        2026-03-03 08:00  Mei@mp is not Mei
          > counts: duplicate +1
        2026-03-04 08:00  Mei@mp logs in as Mei
        2026-03-05 08:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +10 spend@1, balance 55
          > Mei@mp offer revised: 55 + coffee until 03-11 08:00 for 2 purchase
    """)


def test_who_was_bound_wrongly_may_turn_out_to_be_another() -> None:
    play("""
        2026-03-01 08:00  Mei@mp pays 40.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in
          > Mei@mp transfer_out -40 with Mei, balance 0
          > Mei transfer_in +40 with Mei@mp, balance 40
          > Mei accrual +5 welcome@1, balance 45
          > Mei offer issued: 45 until 03-09 08:00 for 1 purchase
        2026-03-03 08:00  Mei enrols as M1
          > Mei payout -45, balance 0
          > Mei payout of 45 points to M1
          > Mei offer accepted: 45 by M1
        2026-03-04 08:00  Mei@mp is not Mei
          > Mei@mp unbound from Mei
          > Mei transfer_out -45 with Mei@mp, balance -45
          > Mei payout_correction +45, balance 0
          > Mei payout to M1 corrected by -45
          > Mei@mp transfer_in +45 with Mei, balance 45
          > Mei@mp offer issued: 45 until 03-09 08:00 for 1 purchase
        2026-03-05 08:00  Mei@mp logs in as Li
          > Mei@mp bound to Li since 03-05 08:00 by session.logged_in (generation 3)
          > Mei@mp transfer_out -45 with Li, balance 0
          > Mei@mp offer withdrawn: superseded
          > Li transfer_in +45 with Mei@mp, balance 45
          > Li offer issued: 45 until 03-09 08:00 for 1 purchase
        2026-03-06 08:00  Li enrols as M2
          > Li payout -45, balance 0
          > Li payout of 45 points to M2
          > Li offer accepted: 45 by M2
    """)


def test_to_forbid_a_bind_in_advance_is_the_same() -> None:
    play("""
        2026-03-01 07:00  Mei@mp is not Mei
        2026-03-01 08:00  Mei@mp pays 40.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp accrual +5 welcome@1, balance 45
          > Mei@mp offer issued: 45 until 03-09 08:00 for 1 purchase
    """)
