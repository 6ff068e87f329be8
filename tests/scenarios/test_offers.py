"""Offers: when they are live, what they say, and when the CRM is told."""

from __future__ import annotations

from tests.scenarios.brand import offers
from tests.scenarios.story import play
from tests.support.books import DAY


def test_an_offer_lapses_a_week_after_what_set_it_off() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 points until 2026-03-09 09:00 for 1 purchase
        2026-03-05 09:00  Mei@mp shares /menu
        2026-03-09 09:00  time passes
          > Mei@mp offer revised: 30 points until 2026-03-12 09:00 for 1 purchase
        2026-03-12 09:00  time passes
          > Mei@mp offer lapsed
        2026-03-13 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 points until 2026-03-20 09:00 for 1 purchase
    """)


def test_benefits_are_steps_and_go_when_the_points_do() -> None:
    play("""
        2026-03-02 08:00  Mei@mp shares /menu
        2026-03-02 08:10  Mei@mp pays 49.00 for t1
          > Mei@mp accrual +49 spend@1, balance 49
          > Mei@mp offer issued: 49 points until 2026-03-09 08:00 for 1 purchase
        2026-03-02 08:20  Mei@mp pays 1.00 for t2
          > Mei@mp accrual +1 spend@1, balance 50
          > Mei@mp offer revised: 50 points + coffee until 2026-03-09 08:00 for 2 purchase
        2026-03-02 08:30  Mei@mp pays 50.00 for t3
          > Mei@mp accrual +50 spend@1, balance 100
          > Mei@mp offer revised: 100 points + coffee + gift until 2026-03-09 08:00 for 3 purchase
        2026-03-02 18:00  t3 is refunded 0.10 by r1
          > Mei@mp clawback -1 spend@1, balance 99
          > Mei@mp offer revised: 99 points + coffee until 2026-03-09 08:00 for 3 purchase
    """)


def test_a_cool_down_holds_back_a_rise_but_never_a_fall() -> None:
    play(
        """
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 points until 2026-03-09 09:00 for 1 purchase
        2026-03-02 10:00  Mei@mp pays 20.00 for t2
          > Mei@mp accrual +20 spend@1, balance 50
        2026-03-03 10:00  t1 is refunded 25.00 by r1
          > Mei@mp clawback -25 spend@1, balance 25
          > Mei@mp offer revised: 25 points until 2026-03-09 09:00 for 2 purchase
        2026-03-03 11:00  Mei@mp pays 5.00 for t3
          > Mei@mp accrual +5 spend@1, balance 30
        2026-03-05 10:00  time passes
          > Mei@mp offer revised: 30 points until 2026-03-09 09:00 for 3 purchase
        """,
        offers(cooldown_ms=2 * DAY),
    )


def test_the_control_group_gets_no_offer_and_keeps_its_points() -> None:
    play(
        """
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 08:10  Li@mp pays 30.00 for t2
          > Li@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei by session.logged_in.v1 of 2026-03-02 09:00
          > Mei@mp transfer_out -30 with Mei, balance 0
          > Mei transfer_in +30 with Mei@mp, balance 30
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer issued: 35 points until 2026-03-09 09:00 for 1 purchase
        2026-03-02 09:10  Li@mp logs in as Li
          > Li@mp bound to Li by session.logged_in.v1 of 2026-03-02 09:10
          > Li@mp transfer_out -30 with Li, balance 0
          > Li transfer_in +30 with Li@mp, balance 30
          > Li accrual +5 welcome@1, balance 35
          > Li offer issued: 35 points until 2026-03-09 09:10 for 1 purchase
        2026-03-03 09:00  Mei enrols as M1
          > Mei payout -35, balance 0
          > Mei payout of 35 points to M1
          > Mei offer accepted: 35 points by M1
        2026-03-03 09:10  Li enrols as M2
          > Li payout -35, balance 0
          > Li payout of 35 points to M2
          > Li offer accepted: 35 points by M2
        """,
        offers(control_group_percent=50),
    )


def test_an_offer_speaks_chinese_and_english() -> None:
    world = play("""
        2026-03-02 08:00  Mei@mp pays 1000.00 for t1
          > Mei@mp accrual +1000 spend@1, balance 1000
        2026-03-02 08:10  Mei@mp pays 24.00 for t2
          > Mei@mp accrual +24 spend@1, balance 1024
        2026-03-02 14:00  Mei@mp checks in with k1
          > Mei@mp accrual +10 visit@1, balance 1034
          > Mei@mp offer issued: 1034 points + coffee + gift until 2026-03-09 14:00 for 2 purchase, 1 check_in
    """)
