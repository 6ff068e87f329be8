# SPDX-License-Identifier: Apache-2.0
"""What may be given back counts at once, and a member is paid it when the return window is over."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.ruleset import Caps, ControlGroup, RuleBook
from tests.scenarios.brand import SPEND, rules, version
from tests.scenarios.notation import at
from tests.scenarios.story import by

#: Two days: what is earned on 2 March is ripe when 5 March begins.
WAITS = replace(SPEND, pending_days=2)
OFFERED = """
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp checks in with k1
          > Mei@mp accrual +10 visit@1, balance 40
          > Mei@mp offer issued: 40 (30 pending) until 03-09 09:00 for 1 purchase, 1 check_in
"""
ENROLLED = (
    OFFERED
    + """
        2026-03-03 09:00  Mei@mp enrols as M1
          > Mei@mp payout -10, balance 30
          > Mei@mp payout of 10 points (30 pending) to M1
          > Mei@mp offer accepted: 40 (30 pending) by M1
"""
)


def test_the_offer_says_what_waits_and_it_is_paid_on_the_day_it_ripens() -> None:
    by(rules(WAITS))(f"""{ENROLLED}
        2026-03-04 23:59  time passes
        2026-03-05 00:00  time passes
          > Mei@mp payout -30, balance 0
          > Mei@mp supplementary payout of 30 points to M1
        2026-04-30 00:00  time passes
    """)


def test_a_refund_in_the_window_takes_what_was_not_paid_yet() -> None:
    by(rules(WAITS))(f"""{ENROLLED}
        2026-03-04 23:59  t1 is refunded 20.00 by r1
          > Mei@mp clawback -20 spend@1, balance 10
        2026-03-05 00:00  time passes
          > Mei@mp payout -10, balance 0
          > Mei@mp supplementary payout of 10 points to M1
        2026-03-05 00:01  t1 is refunded 10.00 by r2
          > Mei@mp clawback -10 spend@1, balance -10
          > Mei@mp payout_correction +10, balance 0
          > Mei@mp payout to M1 corrected by -10
    """)


def test_where_all_is_given_back_nothing_follows() -> None:
    by(rules(WAITS))(f"""{ENROLLED}
        2026-03-04 12:00  t1 is refunded 30.00 by r1
          > Mei@mp clawback -30 spend@1, balance 0
        2026-04-30 00:00  time passes
    """)


def test_what_is_ripe_at_the_enrolment_is_paid_by_it() -> None:
    by(rules(WAITS))(f"""{OFFERED}
        2026-03-05 00:00  Mei@mp enrols as M1
          > Mei@mp payout -40, balance 0
          > Mei@mp payout of 40 points to M1
          > Mei@mp offer accepted: 40 by M1
    """)


def test_each_day_ripens_by_itself_and_all_of_them_are_paid() -> None:
    by(rules(WAITS))("""
        given 2026-03-02..2026-03-04 08:00  Mei@mp pays 5.00 for t*
        2026-03-04 09:00  Mei@mp enrols as M1
          > Mei@mp payout of 0 points (15 pending) to M1
        2026-03-05 00:00  time passes
          > Mei@mp payout -5, balance 10
          > Mei@mp supplementary payout of 5 points (10 pending) to M1
        2026-03-07 00:00  time passes
          > at 03-06 00:00 Mei@mp payout -5, balance 5
          > at 03-06 00:00 Mei@mp supplementary payout of 5 points (5 pending) to M1
          > Mei@mp payout -5, balance 0
          > Mei@mp supplementary payout of 5 points to M1
    """)


def test_an_enrolment_heard_of_late_pays_what_is_ripe_by_then() -> None:
    by(rules(WAITS))("""
        given 2026-03-02 08:00  Mei@mp pays 5.00 for t1
        given 2026-03-03 08:00  Mei@mp pays 6.00 for t2
        2026-03-03 09:00  Mei@mp enrols as M1  [arrives 2026-03-05 09:00]
          > Mei@mp payout -5, balance 6
          > Mei@mp payout of 5 points (6 pending) to M1
    """)


def test_a_purchase_heard_of_late_waits_from_its_own_day_on() -> None:
    by(rules(WAITS))("""
        2026-03-04 09:00  Mei@mp enrols as M1
          > Mei@mp payout of 0 points to M1
        2026-03-03 08:00  Mei@mp pays 6.00 for t1  [arrives 2026-03-04 10:00]
          > Mei@mp accrual +6 spend@1, balance 6
        2026-03-01 08:00  Mei@mp pays 5.00 for t2  [arrives 2026-03-04 11:00]
          > Mei@mp accrual +5 spend@1, balance 11
          > Mei@mp payout -5, balance 6
          > Mei@mp supplementary payout of 5 points (6 pending) to M1
        2026-03-06 00:00  time passes
          > Mei@mp payout -6, balance 0
          > Mei@mp supplementary payout of 6 points to M1
    """)


def test_a_bind_heard_of_late_brings_what_waits_along() -> None:
    by(rules(WAITS))("""
        given 2026-03-03 08:00  Mei@mp pays 6.00 for t1
        given 2026-03-01 08:00  Mei@mp pays 5.00 for t2
        2026-03-04 09:00  Mei enrols as M1
          > Mei payout of 0 points to M1
        2026-03-04 10:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-04 10:00 by session.logged_in
          > Mei@mp transfer_out -11 with Mei, balance 0
          > Mei transfer_in +11 with Mei@mp, balance 11
          > Mei payout -5, balance 6
          > Mei supplementary payout of 5 points (6 pending) to M1
          > counts: member +1
        2026-03-06 00:00  time passes
          > Mei payout -6, balance 0
          > Mei supplementary payout of 6 points to M1
    """)


def test_an_offer_never_promises_more_at_once_than_there_is() -> None:
    """Ripening alone is not announced; that fewer points would be paid at once is."""
    by(rules(WAITS))("""
        given 2026-03-02 08:00  Mei@mp pays 20.00 for t1
        2026-03-05 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 20 until 03-12 09:00 for 1 purchase
        2026-03-05 10:00  t1 is refunded 10.00 by r1
          > Mei@mp clawback -10 spend@1, balance 10
          > Mei@mp offer withdrawn: below_threshold
        2026-03-05 11:00  Mei@mp pays 30.00 for t2
          > Mei@mp accrual +30 spend@1, balance 40
          > Mei@mp offer issued: 40 (30 pending) until 03-12 09:00 for 2 purchase
        2026-03-08 09:00  time passes
        2026-03-08 10:00  Mei@mp pays 7.00 for t3
          > Mei@mp accrual +7 spend@1, balance 47
          > Mei@mp offer revised: 47 (7 pending) until 03-12 09:00 for 3 purchase
        2026-03-08 11:00  Mei@mp pays 10.00 for t4  [arrives 2026-03-08 12:00]
          > Mei@mp accrual +10 spend@1, balance 57
          > Mei@mp offer revised: 57 (17 pending) + coffee until 03-12 09:00 for 4 purchase
    """)


def test_what_is_paid_at_once_may_fall_while_the_points_stay() -> None:
    """A refund gives room under the month's cap, which a younger purchase takes."""
    capped = replace(WAITS, caps=Caps(month=30))
    by(rules(capped))("""
        given 2026-03-02 08:00  Mei@mp pays 30.00 for t1
        given 2026-03-05 08:00  Mei@mp pays 30.00 for t2
        2026-03-05 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-12 09:00 for 2 purchase
        2026-03-05 10:00  t1 is refunded 20.00 by r1
          > Mei@mp offer revised: 30 (20 pending) until 03-12 09:00 for 2 purchase
    """)


def test_the_version_of_the_day_says_how_long_it_waits() -> None:
    book = RuleBook(
        (version(1, 0, WAITS), version(2, at("2026-03-04 00:00"), replace(WAITS, pending_days=4)))
    )
    by(book)("""
        given 2026-03-03 08:00  Mei@mp pays 6.00 for t1
        given 2026-03-04 08:00  Mei@mp pays 7.00 for t2
        2026-03-04 09:00  Mei@mp enrols as M1
          > Mei@mp payout of 0 points (13 pending) to M1
        2026-03-06 00:00  time passes
          > Mei@mp payout -6, balance 7
          > Mei@mp supplementary payout of 6 points (7 pending) to M1
        2026-03-08 23:59  time passes
        2026-03-09 00:00  time passes
          > Mei@mp payout -7, balance 0
          > Mei@mp supplementary payout of 7 points to M1
    """)


def test_who_asks_to_be_forgotten_is_not_paid_what_waits() -> None:
    world = by(rules(WAITS))(f"""{ENROLLED}
        given 2026-03-04 08:00  Mei@mp asks to be forgotten
        2026-04-30 00:00  time passes
    """)
    assert world.balances() == {}


def test_every_enrolment_is_answered_with_the_group_of_the_experiment() -> None:
    """Whoever has no points signs up, too: a payout of nothing names their group."""
    control = ControlGroup("spring", 50)
    people = [f"P{number}" for number in range(40)]
    world = by(rules(control_group=control))(
        "\n".join(f"given 2026-03-02 08:00  {who}@mp enrols as M-{who}" for who in people)
    )
    payouts = [output.data for output in world.published if output.type == "payout.issued.v1"]
    assert {data["member_id"] for data in payouts} == {f"M-{who}" for who in people}
    assert all(data["points"] == 0 and not data["supplementary"] for data in payouts)
    assert {data["experiment"] for data in payouts} == {"spring"}
    assert {data["group"] for data in payouts} == {"treated", "control"}
