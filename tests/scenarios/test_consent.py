# SPDX-License-Identifier: Apache-2.0
"""Consent: silence parks or counts as the rules say; a withdrawal ends both points and offers."""

from __future__ import annotations

from stream.engine.model.ruleset import ConsentMode
from tests.scenarios.brand import rules
from tests.scenarios.story import by, play

OPT_IN = rules(consent=ConsentMode.OPT_IN)


def test_what_waited_for_consent_counts_once_it_is_granted() -> None:
    by(OPT_IN)("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > counts: parked +1
        2026-03-02 09:00  Mei@mp shares /menu
          > counts: parked +1
        2026-03-02 10:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-02 10:00 by session.logged_in
          > counts: parked +1
        2026-03-03 09:00  Mei grants consent
          > Mei accrual +30 spend@1, balance 30
          > Mei accrual +5 welcome@1, balance 35
          > Mei offer issued: 35 until 03-09 10:00 for 1 purchase
          > counts: applied +4, parked -3
        2026-03-03 10:00  Mei@mp pays 5.00 for t2
          > Mei accrual +5 spend@1, balance 40
          > Mei offer revised: 40 until 03-09 10:00 for 2 purchase
    """)


def test_what_waited_for_consent_is_refused_when_it_is_denied() -> None:
    by(OPT_IN)("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > counts: parked +1
        2026-03-03 09:00  Mei@mp withdraws consent
          > counts: applied +1, parked -1, refused +1
    """)


def test_after_a_withdrawal_nothing_accrues_and_the_offer_ends() -> None:
    play("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-03 09:00  Mei@mp withdraws consent
          > Mei@mp offer withdrawn: consent
        2026-03-03 10:00  Mei@mp pays 40.00 for t2
          > counts: refused +1
        2026-03-04 09:00  Mei@mp grants consent
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-04 10:00  Mei@mp pays 5.00 for t3
          > Mei@mp accrual +5 spend@1, balance 35
          > Mei@mp offer revised: 35 until 03-09 09:00 for 2 purchase
    """)


def test_an_event_is_judged_by_the_answer_of_its_own_time() -> None:
    play("""
        2026-03-03 09:00  Mei@mp withdraws consent
        2026-03-02 08:00  Mei@mp pays 30.00 for t1  [arrives 2026-03-04 08:00]
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-03 10:00  Mei@mp pays 40.00 for t2  [arrives 2026-03-04 09:00]
          > counts: refused +1
    """)


def test_unfollowing_before_any_answer_loses_nothing() -> None:
    by(OPT_IN)("""
        2026-03-01 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-01 08:00 by session.logged_in
          > counts: parked +1
        2026-03-01 09:00  Mei@mp pays 30.00 for t1
          > counts: parked +1
        2026-03-02 09:00  Mei@mp pauses consent
        2026-03-03 09:00  Mei@mp pays 5.00 for t2
          > counts: parked +1
        2026-03-04 09:00  Mei grants consent
          > Mei accrual +35 spend@1, balance 35
          > Mei accrual +5 welcome@1, balance 40
          > Mei offer issued: 40 until 03-08 08:00 for 2 purchase
          > counts: applied +4, parked -3
    """)


def test_an_explicit_withdrawal_refuses_what_waits_until_the_next_grant() -> None:
    by(OPT_IN)("""
        2026-03-01 09:00  Mei@mp pays 30.00 for t1
          > counts: parked +1
        2026-03-02 09:00  Mei@mp withdraws consent
          > counts: applied +1, parked -1, refused +1
        2026-03-04 09:00  Mei@mp grants consent
    """)


def test_unfollowing_stops_accrual_and_offers_and_destroys_nothing() -> None:
    by(OPT_IN)("""
        2026-03-01 09:00  Mei@mp grants consent
        2026-03-01 10:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-01 11:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-08 11:00 for 1 purchase
        2026-03-02 09:00  Mei@mp pauses consent
          > Mei@mp offer withdrawn: consent
        2026-03-03 09:00  Mei@mp pays 5.00 for t2
          > counts: parked +1
        2026-03-04 09:00  Mei@mp grants consent
          > Mei@mp accrual +5 spend@1, balance 35
          > Mei@mp offer issued: 35 until 03-08 11:00 for 2 purchase
          > counts: applied +2, parked -1
    """)


def test_at_one_instant_the_withdrawal_holds() -> None:
    play("""
        2026-03-01 09:00  Mei@mp withdraws consent
        2026-03-01 09:00  Mei@mp grants consent
        2026-03-01 10:00  Mei@mp pays 30.00 for t1
          > counts: refused +1
    """)
