"""Consent: silence parks or counts as the rules say; a withdrawal ends both points and offers."""

from __future__ import annotations

from stream.engine.ruleset import ConsentMode
from tests.scenarios.brand import rules
from tests.scenarios.story import play

OPT_IN = rules(consent=ConsentMode.OPT_IN)


def test_what_waited_for_consent_counts_once_it_is_granted() -> None:
    play(
        """
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
        """,
        OPT_IN,
    )


def test_what_waited_for_consent_is_refused_when_it_is_denied() -> None:
    play(
        """
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > counts: parked +1
        2026-03-03 09:00  Mei@mp withdraws consent
          > counts: applied +1, parked -1, refused +1
        """,
        OPT_IN,
    )


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
