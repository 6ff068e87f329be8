# SPDX-License-Identifier: Apache-2.0
"""Caps are a consumer's: they hold over all that the consumer's origins bring."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from stream.engine.model.ruleset import Caps, Rate, RuleBook, RuleGroup
from tests.scenarios.brand import SPEND, VISIT, rules, version
from tests.scenarios.notation import at
from tests.scenarios.story import by, play


def spend_up_to(caps: Caps) -> RuleBook:
    return rules(replace(SPEND, caps=caps))


def test_the_day_cap_holds_over_two_origins_of_one_person() -> None:
    by(spend_up_to(Caps(day=15)))("""
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 12:10  Mei@oa pays 12.00 for t2
          > Mei@oa accrual +12 spend@1, balance 12
        2026-03-02 13:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 13:00 by session.logged_in
          > Mei@mp transfer_out -12 with Mei, balance 0
          > Mei transfer_in +12 with Mei@mp, balance 12
          > Mei accrual +5 welcome@1, balance 17
        2026-03-02 13:10  Mei@oa=Mei checks in with k1
          > Mei@oa bound to Mei since 03-02 13:10 by attendee.checked_in
          > Mei@oa transfer_out -12 with Mei, balance 0
          > Mei transfer_in +12 with Mei@oa, balance 29
          > Mei clawback -9 spend@1, balance 20
          > Mei offer issued: 20 until 03-09 13:00 for 2 purchase
          > Mei accrual +10 visit@1, balance 30
          > Mei offer revised: 30 until 03-09 13:10 for 2 purchase, 1 check_in
        2026-03-03 08:10  Mei@mp pays 12.00 for t3
          > Mei accrual +12 spend@1, balance 42
          > Mei offer revised: 42 until 03-09 13:10 for 3 purchase, 1 check_in
    """)


def test_a_refund_makes_room_below_the_cap() -> None:
    by(spend_up_to(Caps(day=15)))("""
        2026-03-02 08:10  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +12 spend@1, balance 12
        2026-03-02 12:10  Mei@mp pays 12.00 for t2
          > Mei@mp accrual +3 spend@1, balance 15
        2026-03-02 13:00  t1 is refunded 12.00 by r1
          > Mei@mp clawback -3 spend@1, balance 12
    """)


def test_the_month_cap_ends_with_the_month() -> None:
    by(spend_up_to(Caps(month=40)))("""
        2026-03-30 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-31 23:59  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +10 spend@1, balance 40
        2026-04-01 00:00  Mei@mp pays 30.00 for t3
          > Mei@mp accrual +30 spend@1, balance 70
    """)


def test_a_month_cap_which_comes_mid_month_counts_the_whole_month() -> None:
    capped = version(2, at("2026-03-15 00:00"), replace(SPEND, caps=Caps(month=40)))
    by(RuleBook((version(1, 0), capped)))("""
        2026-03-10 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-20 08:10  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +10 spend@2, balance 40
        2026-04-01 08:10  Mei@mp pays 30.00 for t3
          > Mei@mp accrual +30 spend@2, balance 70
    """)


def test_the_lifetime_cap_does_not_end() -> None:
    by(spend_up_to(Caps(lifetime=40)))("""
        2026-03-30 08:10  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-05-01 08:10  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +10 spend@1, balance 40
        2027-06-01 08:10  Mei@mp pays 30.00 for t3
    """)


def test_a_first_time_is_the_first_by_event_time_and_only_one() -> None:
    play("""
        2026-03-04 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-04 09:00 by session.logged_in
          > Mei accrual +5 welcome@1, balance 5
        2026-03-03 09:00  Mei@mp logs in as Mei  [arrives 2026-03-05 09:00]
        2026-03-06 09:00  Mei@mp logs in as Mei
    """)


def test_each_rule_has_a_cap_of_its_own() -> None:
    by(rules(replace(SPEND, caps=Caps(day=10)), replace(VISIT, caps=Caps(day=15))))("""
        2026-03-02 08:00  Mei@mp pays 12.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-03-02 14:00  Mei@mp checks in with k1
          > Mei@mp accrual +10 visit@1, balance 20
          > Mei@mp offer issued: 20 until 03-09 14:00 for 1 purchase, 1 check_in
        2026-03-02 15:00  Mei@mp checks in with k2
          > Mei@mp accrual +5 visit@1, balance 25
          > Mei@mp offer revised: 25 until 03-09 15:00 for 2 check_in, 1 purchase
    """)


def test_a_version_may_begin_within_a_day_and_shares_the_day_with_the_one_before() -> None:
    """A touch goes by the version of its instant; a cap counts the whole day."""
    first = version(1, 0, replace(SPEND, caps=Caps(day=40)))
    second = version(
        2,
        at("2026-03-10 12:00"),
        replace(SPEND, rate=Rate(Fraction(2)), caps=Caps(day=100)),
        expiry_days=1,
    )
    by(RuleBook((first, second)))("""
        2026-03-10 11:59  Mei@mp pays 50.00 for t1
          > Mei@mp accrual +40 spend@1, balance 40
        2026-03-10 12:00  Mei@mp pays 25.00 for t2
          > Mei@mp accrual +50 spend@2, balance 90
        2026-03-10 13:00  Mei@mp pays 25.00 for t3
          > Mei@mp accrual +10 spend@2, balance 100
        2026-03-10 11:30  Mei@mp pays 10.00 for t4  [arrives 2026-03-10 14:00]
        2026-03-10 15:00  t1 is refunded 50.00 by r1
          > Mei@mp clawback -30 spend@1, balance 70
          > Mei@mp accrual +30 spend@2, balance 100
        2026-03-12 00:00  time passes
          > Mei@mp expiry -90 spend@2, balance 10
    """)


def test_a_week_from_monday_to_sunday_and_two_rules_with_one_cap() -> None:
    """2026-03-02 is a Monday. The visits are served first, since the group names them first."""
    visit = replace(VISIT, caps=Caps(week=25))
    both = RuleGroup("both", {"visit": 0, "spend": 1}, Caps(day=13, month=40))
    by(rules(visit, offers=(), groups=(both,)))("""
        2026-03-02 08:00  Mei@mp pays 9.00 for t1
          > Mei@mp accrual +9 spend@1, balance 9
        2026-03-02 09:00  Mei@mp checks in with k1
          > Mei@mp clawback -6 spend@1, balance 3
          > Mei@mp accrual +10 visit@1, balance 13
        2026-03-03 08:00  Mei@mp checks in with k2
          > Mei@mp accrual +10 visit@1, balance 23
        2026-03-08 23:59  Mei@mp checks in with k3
          > Mei@mp accrual +5 visit@1, balance 28
        2026-03-09 00:00  Mei@mp checks in with k4
          > Mei@mp accrual +10 visit@1, balance 38
        2026-03-10 08:00  Mei@mp pays 9.00 for t2
          > Mei@mp accrual +2 spend@1, balance 40
    """)
