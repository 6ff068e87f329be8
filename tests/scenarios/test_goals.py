# SPDX-License-Identifier: Apache-2.0
"""Points for several events together: milestones, streaks, challenges."""

from __future__ import annotations

from stream.engine.model.ruleset import Caps, EarningRule, Step
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import rules
from tests.scenarios.story import by

PURCHASE, VISIT = Touchpoint.PURCHASE, Touchpoint.CHECK_IN
THIRD = EarningRule("third", PURCHASE, 300, settings={"nth": 3, "within_days": 30})
SPENDER = EarningRule("spender", PURCHASE, 50, settings={"every_fen": 5000, "within_days": 30})
STREAK = EarningRule("streak", VISIT, 70, settings={"streak_days": 3, "grace": 1})
WHOLE = EarningRule(
    "whole",
    None,
    90,
    settings={"within_days": 7},
    steps=(Step(PURCHASE), Step(VISIT), Step(Touchpoint.LOGIN)),
)


def test_the_third_purchase_within_thirty_days() -> None:
    by(rules(THIRD, offers=()))("""
        2026-03-02 08:00  Mei@mp pays 4.00 for t1
          > Mei@mp accrual +4 spend@1, balance 4
        2026-03-31 08:00  Mei@mp pays 4.00 for t2
          > Mei@mp accrual +4 spend@1, balance 8
        2026-04-01 08:00  Mei@mp pays 4.00 for t3
          > Mei@mp accrual +4 spend@1, balance 12
    """)


def test_a_purchase_that_becomes_known_late_was_the_third_and_a_refund_takes_it_back() -> None:
    by(rules(THIRD, offers=()))("""
        given 2026-03-02 08:00  Mei@mp pays 4.00 for t1
        given 2026-03-09 08:00  Mei@mp pays 4.00 for t3
        2026-03-05 08:00  Mei@mp pays 4.00 for t2 [arrives 2026-03-20 08:00]
          > Mei@mp accrual +4 spend@1, balance 12
          > Mei@mp accrual +300 third@1, balance 312
        2026-03-21 08:00  t3 is refunded 4.00 by r1
          > Mei@mp clawback -4 spend@1, balance 308
          > Mei@mp clawback -300 third@1, balance 8
    """)


def test_fifty_yuan_at_once_and_little_by_little() -> None:
    by(rules(SPENDER, offers=()))("""
        2026-03-02 08:00  Mei@mp pays 120.00 for t1
          > Mei@mp accrual +120 spend@1, balance 120
          > Mei@mp accrual +100 spender@1, balance 220
        2026-03-03 08:00  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +30 spend@1, balance 250
          > Mei@mp accrual +50 spender@1, balance 300
        2026-03-04 08:00  t1 is refunded 30.00 by r1
          > Mei@mp clawback -30 spend@1, balance 270
          > Mei@mp clawback -50 spender@1, balance 220
    """)


def test_two_openids_had_a_streak_together_until_they_part() -> None:
    by(rules(STREAK, offers=()))("""
        given 2026-03-02 08:00  Mei@mp=Mei checks in with k1
        given 2026-03-03 08:00  Mei@oa checks in with k2
        given 2026-03-05 08:00  Mei@mp checks in with k3
        2026-03-06 08:00  Mei@oa logs in as Mei
          > Mei@oa bound to Mei since 03-06 08:00 by session.logged_in
          > Mei@oa transfer_out -10 with Mei, balance 0
          > Mei transfer_in +10 with Mei@oa, balance 30
          > Mei accrual +70 streak@1, balance 100
          > Mei accrual +5 welcome@1, balance 105
        2026-03-07 08:00  Mei@oa is not Mei
          > Mei@oa unbound from Mei
          > Mei transfer_out -85 with Mei@oa, balance 20
          > Mei@oa transfer_in +85 with Mei, balance 85
          > Mei@oa clawback -70 streak@1, balance 15
    """)


def test_all_three_within_a_week_and_not_more_often_than_the_cap() -> None:
    capped = EarningRule(
        "whole", None, 90, caps=Caps(lifetime=90), settings=WHOLE.settings, steps=WHOLE.steps
    )
    by(rules(capped, offers=()))("""
        given 2026-03-02 08:00  Mei@mp checks in with k1
        given 2026-03-04 08:00  Mei@mp logs in
        2026-03-08 23:59  Mei@mp pays 4.00 for t1
          > Mei@mp accrual +4 spend@1, balance 19
          > Mei@mp accrual +90 whole@1, balance 109
        given 2026-03-09 08:00  Mei@mp checks in with k2
        given 2026-03-09 08:00  Mei@mp logs in
        2026-03-10 08:00  Mei@mp pays 4.00 for t2
          > Mei@mp accrual +4 spend@1, balance 123
    """)
