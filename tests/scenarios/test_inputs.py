# SPDX-License-Identifier: Apache-2.0
"""What producers may say, and how often: tickets, orders, old answers, two people at once."""

from __future__ import annotations

from itertools import permutations

import pytest

from stream.engine.model.ruleset import Condition, EarningRule, Op
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import DIRECTORY, rules
from tests.scenarios.notation import at, read
from tests.scenarios.story import by, play
from tests.support.world import World

ORDERS = rules(EarningRule("pre_order", Touchpoint.ORDER, points=20))

# --- tickets --------------------------------------------------------------------------------------


def test_a_ticket_is_checked_in_once_on_a_list() -> None:
    play("""
        2026-03-02 14:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 14:01  Mei checks in with k1
          > counts: duplicate +1
        2026-03-02 14:10  Mei did not check in with k1 at 2026-03-02 14:00
          > Mei clawback -10 visit@1, balance 0
        2026-03-04 09:00  Mei checks in with k1
          > counts: duplicate +1
    """)


def test_who_is_checked_in_anew_after_a_reversal_is_in() -> None:
    play("""
        2026-03-02 14:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 14:20  Mei did not check in with k1 at 2026-03-02 14:00
          > Mei clawback -10 visit@1, balance 0
        2026-03-02 14:30  Mei checks in with k1 as attempt 2
          > Mei accrual +10 visit@1, balance 10
    """)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_and_so_it_is_in_any_order(order: tuple[int, ...]) -> None:
    said = [
        ("2026-03-02 14:00", "Mei checks in with k1"),
        ("2026-03-02 14:10", "Mei checks in with k1"),
        ("2026-03-02 14:20", "Mei did not check in with k1 at 2026-03-02 14:00"),
        ("2026-03-02 14:30", "Mei checks in with k1 as attempt 2"),
    ]
    world = World(rules(), DIRECTORY, partitions=1, stale=False)
    world.advance(at("2026-03-02 15:00"))
    for number in order:
        when, what = said[number]
        event = read(what, at(when))
        assert event is not None
        world.publish(event, at("2026-03-02 15:00"))
        world.settle()
    assert world.balances() == {"union.brand.uMei": 10}
    assert dict(world.counts) == {"applied": 3, "duplicate": 1}


def test_a_ticket_for_several_people_counts_once_for_each() -> None:
    """The ticket system says who came; the engine does not know whose a ticket is."""
    play("""
        2026-03-02 14:00  Mei checks in with k1
          > Mei accrual +10 visit@1, balance 10
        2026-03-02 14:00  Li checks in with k1
          > Li accrual +10 visit@1, balance 10
        2026-03-02 14:05  Li checks in with k1
          > counts: duplicate +1
    """)


# --- orders ---------------------------------------------------------------------------------------


def test_an_order_which_came_to_nothing_earns_nothing() -> None:
    by(ORDERS)("""
        2026-03-02 08:00  Mei@mp orders o1 for 15.00
          > Mei@mp accrual +20 pre_order@1, balance 20
        2026-03-02 08:30  Mei@mp did not take order o1 of 2026-03-02 08:00
          > Mei@mp clawback -20 pre_order@1, balance 0
        2026-03-02 08:30  Mei@mp did not take order o1 of 2026-03-02 08:00  [again]
          > counts: duplicate +1
        2026-03-03 08:30  Mei@mp did not take order o2 of 2026-03-03 08:00
        2026-03-03 08:00  Mei@mp orders o2 for 15.00   [arrives 2026-03-03 08:31]
        2026-03-04 08:00  Mei@mp orders o3 for 15.00
          > Mei@mp accrual +20 pre_order@1, balance 20
    """)


# --- erasure and the first time -------------------------------------------------------------------


def test_who_asks_to_be_forgotten_and_comes_back_is_a_stranger() -> None:
    """Nothing tells that it is the second time; so a first time has to cost something."""
    least = Condition("payer_total_fen", Op.GTE, 500)
    first = EarningRule("first", Touchpoint.PURCHASE, points=200, first_time=True, when=(least,))
    by(rules(first))("""
        2026-03-02 08:00  Mei@mp pays 1.00 for t1
          > Mei@mp accrual +1 spend@1, balance 1
        2026-03-02 08:01  Mei@mp enrols as M1
          > Mei@mp payout -1, balance 0
          > Mei@mp payout of 1 points to M1
        given 2026-03-02 09:00  Mei@mp asks to be forgotten
        given 2026-03-02 09:01  Mei@mp grants consent
        2026-03-02 09:02  Mei@mp pays 1.00 for t2
          > Mei@mp accrual +1 spend@1, balance 1
        2026-03-02 09:03  Mei@mp pays 5.00 for t3
          > Mei@mp accrual +200 first@1, balance 201
          > Mei@mp accrual +5 spend@1, balance 206
        2026-03-02 09:04  Mei@mp pays 5.00 for t4
          > Mei@mp accrual +5 spend@1, balance 211
    """)


# --- answers and requests of any age --------------------------------------------------------------


def test_a_member_of_years_ago_gets_no_offer() -> None:
    play("""
        2024-05-20 10:00  Mei@mp=Mei enrols as M1  [arrives 2026-03-01 09:00]
          > Mei@mp bound to Mei since 05-20 10:00 by member.enrolled
          > Mei payout of 0 points to M1
        2026-03-02 08:00  Mei@mp logs in as Mei
          > counts: member +1
        2026-03-02..2026-03-06 08:10  Mei@mp pays 30.00 for t*
          > counts: member +5
    """)


def test_a_consent_of_long_ago_counts() -> None:
    play("""
        2025-01-10 10:00  Mei@mp withdraws consent  [arrives 2026-03-01 09:00]
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > counts: refused +1
        2026-02-10 10:00  Mei@mp grants consent     [arrives 2026-03-02 09:00]
          > Mei@mp accrual +30 spend@1, balance 30
          > counts: applied +2, refused -1
    """)


def test_who_is_not_of_ours_cannot_enrol() -> None:
    world = World(rules(), DIRECTORY, partitions=1, stale=False)
    enrolled = read("Mei enrols as M1", at("2026-03-02 08:00"))
    assert enrolled is not None
    for consumer in ("union.nobody.uX", "origin.nowhere.oX", "union.brand.uX", "union.wxmp.oX"):
        data = {"member_id": "M1", "consumer_id": consumer}
        model = type(enrolled.data).model_validate(data)
        event = type(enrolled)(consumer, "urn:test", enrolled.type, enrolled.time,
                               enrolled.time_ms, model)  # fmt: skip
        world.advance(enrolled.time_ms)
        world.publish(event, enrolled.time_ms)
        world.settle()
    assert [rejected.reason for rejected in world.dead] == ["unknown_app", "unknown_app"]
    assert world.counts["applied"] == 2


# --- two people in one request --------------------------------------------------------------------

TWO = """
        given 2026-03-02 08:00  Li@mp logs in as Li
        given 2026-03-02 08:00  Mei@oa follows
        given 2026-03-02 08:01  Mei@oa=Mei checks in with k1
        given 2026-03-02 08:02  Mei@oa=Mei checks in with k2
        given 2026-03-02 08:03  Li@mp pays 30.00 for t1
"""


def test_a_withdrawal_reaches_everybody_whom_it_names() -> None:
    play(f"""{TWO}
        2026-03-03 08:00  Li@mp=Mei withdraws consent
          > Li@mp conflict: Li since 03-02 08:00, not Mei since 03-03 08:00
          > Mei offer withdrawn: consent
          > Li offer withdrawn: consent
        2026-03-03 09:00  Mei checks in with k3
          > counts: refused +1
        2026-03-03 09:00  Li@mp pays 1.00 for t2
          > counts: refused +1
    """)


def test_an_unfollow_reaches_everybody_whom_it_names() -> None:
    play(f"""{TWO}
        2026-03-03 08:00  Li@mp=Mei pauses consent
          > Li@mp conflict: Li since 03-02 08:00, not Mei since 03-03 08:00
          > Mei offer withdrawn: consent
          > Li offer withdrawn: consent
        2026-03-03 09:00  Mei checks in with k3
          > counts: parked +1
        2026-03-03 09:00  Li@mp pays 1.00 for t2
          > counts: parked +1
    """)


def test_an_erasure_reaches_everybody_whom_it_names() -> None:
    world = play(f"""{TWO}
        given 2026-03-03 08:00  Li@mp=Mei asks to be forgotten
    """)
    assert world.balances() == {}


def test_a_request_for_data_reaches_everybody_whom_it_names_and_counts_once() -> None:
    play(f"""{TWO}
        2026-03-03 08:00  Li@mp=Mei asks for their data
          > Li@mp conflict: Li since 03-02 08:00, not Mei since 03-03 08:00
    """)
