# SPDX-License-Identifier: Apache-2.0
"""Campaigns, expiry, new rules at midnight, and events out of their time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from stream.engine.model.ruleset import Campaign, Rate, RuleBook
from tests.scenarios.brand import SPEND, rules, version
from tests.scenarios.notation import at
from tests.scenarios.story import by, play

WEEKEND = Campaign("weekend", at("2026-03-07 00:00"), at("2026-03-09 00:00"), Fraction(2))


def test_a_campaign_doubles_from_its_first_instant_to_its_last() -> None:
    by(rules(campaigns=(WEEKEND,)))("""
        2026-03-06 23:59  Mei@mp pays 12.80 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-07 00:00  Mei@mp pays 12.80 for t2
          > Mei@mp accrual +25 spend@1, balance 37
        2026-03-08 23:59  Mei@mp pays 12.80 for t3
          > Mei@mp accrual +25 spend@1, balance 62
        2026-03-09 00:00  Mei@mp pays 12.80 for t4
          > Mei@mp accrual +12 spend@1, balance 74
        2026-03-07 08:00  Mei@mp logs in            [arrives 2026-03-09 09:00]
          > Mei@mp accrual +5 welcome@1, balance 79
          > Mei@mp offer issued: 79 + coffee until 03-14 08:00 for 4 purchase
    """)


def test_points_expire_at_midnight_in_shanghai_and_the_offer_falls_at_once() -> None:
    by(rules(expiry_days=10))("""
        2026-03-01 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:00  Mei@mp pays 25.00 for t2
          > Mei@mp accrual +25 spend@1, balance 55
        2026-03-11 20:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-11 20:00 by session.logged_in
          > Mei@mp transfer_out -55 with Mei, balance 0
          > Mei transfer_in +55 with Mei@mp, balance 55
          > Mei accrual +5 welcome@1, balance 60
          > Mei offer issued: 60 + coffee until 03-18 20:00 for 2 purchase
        2026-03-11 23:59  time passes
        2026-03-12 00:00  time passes
          > Mei expiry -30 spend@1, balance 30
          > Mei offer revised: 30 until 03-18 20:00 for 2 purchase
        2026-03-13 00:00  time passes
          > Mei expiry -25 spend@1, balance 5
          > Mei offer withdrawn: below_threshold
    """)


def test_an_old_event_is_judged_by_the_rules_of_its_day() -> None:
    double = replace(SPEND, rate=Rate(Fraction(2)))
    book = RuleBook((version(1, 0), version(2, at("2026-04-01 00:00"), double)))
    by(book)("""
        2026-03-31 23:59  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-04-01 00:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +20 spend@2, balance 30
        2026-03-31 08:00  Mei@mp pays 10.00 for t3  [arrives 2026-04-02 08:00]
          > Mei@mp accrual +10 spend@1, balance 40
        2026-04-02 09:00  t2 is refunded 5.00 by r1
          > Mei@mp clawback -10 spend@2, balance 30
    """)


def test_new_rules_change_an_offer_at_midnight() -> None:
    later = version(2, at("2026-04-01 00:00"))
    stricter = replace(later, offers=(replace(later.offers[0], threshold_points=50),))
    by(RuleBook((version(1, 0), stricter)))("""
        2026-03-31 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-31 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 04-07 09:00 for 1 purchase
        2026-04-01 00:00  time passes
          > Mei@mp offer withdrawn: below_threshold
        2026-04-01 08:00  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +30 spend@2, balance 60
          > Mei@mp offer issued: 60 + coffee until 04-07 09:00 for 2 purchase
    """)


def test_what_cannot_be_judged_is_a_dead_letter() -> None:
    play("""
        2026-03-02 08:10  Mei@nowhere follows
          > dead letter: unknown_app
        2026-03-02 08:20  Mei/elsewhere checks in with k1
          > dead letter: unknown_app
        2026-03-02 08:30  Mei@sp logs in as Mei
          > dead letter: unknown_app
        2026-03-02 08:40  Mei@oa follows  [arrives 2026-03-02 08:34]
          > dead letter: in_future
        2026-03-02 08:50  Mei@oa follows  [arrives 2026-03-02 08:46]
        2026-01-20 08:00  Mei@oa follows  [arrives 2026-03-02 09:00]
          > dead letter: too_late
        2025-06-01 08:00  Mei@mp pays 10.00 for t1      [arrives 2026-03-02 09:00]
          > Mei@mp accrual +10 spend@1, balance 10
        2025-03-01 08:00  Mei@mp pays 10.00 for t2      [arrives 2026-03-02 09:10]
          > dead letter: too_late
        2025-03-01 08:10  t2 is refunded 10.00 by r1    [arrives 2026-03-02 09:10]
          > dead letter: too_late
    """)


def test_retries_and_copies_change_nothing() -> None:
    play("""
        2026-03-02 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 08:00 by session.logged_in
          > Mei accrual +5 welcome@1, balance 5
        2026-03-02 08:00  Mei@mp logs in as Mei
          > counts: duplicate +1
        2026-03-02 08:10  Mei@mp pays 30.00 for t1
          > Mei accrual +30 spend@1, balance 35
          > Mei offer issued: 35 until 03-09 08:00 for 1 purchase
        2026-03-02 08:10  Mei@mp pays 30.00 for t1      [again] [arrives 2026-03-03 08:14]
          > counts: duplicate +1
        2026-03-02 09:00  t1 is refunded 10.00 by r1
          > at 03-03 08:14 Mei clawback -10 spend@1, balance 25
          > at 03-03 08:14 Mei offer revised: 25 until 03-09 08:00 for 1 purchase
        2026-03-02 09:00  t1 is refunded 10.00 by r1    [again] [arrives 2026-03-03 08:15]
          > counts: duplicate +1
        2026-03-03 09:00  Mei@oa follows
        2026-03-03 09:00  Mei@oa follows                [again]
          > counts: duplicate +1
        2026-03-03 10:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 35
          > Mei offer revised: 35 until 03-10 10:00 for 1 purchase, 1 check_in
        2026-03-03 10:00  Mei checks in with k1         [again]
          > counts: duplicate +1
        2026-03-03 11:00  Mei enrols as M1
          > Mei payout -35, balance 0
          > Mei payout of 35 points to M1
          > Mei offer accepted: 35 by M1
        2026-03-03 11:00  Mei enrols as M1              [again]
          > counts: duplicate +1
    """)
