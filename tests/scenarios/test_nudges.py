# SPDX-License-Identifier: Apache-2.0
"""Nudges: what a CRM is to remind somebody of, while it is true and not at night."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.ruleset import ControlGroup, EarningRule, RuleBook
from stream.engine.model.schedule import Span
from stream.engine.model.touchpoints import Touchpoint as T
from tests.scenarios.brand import rules
from tests.scenarios.story import by, play

HOUR_MS = 3_600_000
CART = Nudge(
    "cart", frozenset({T.ADD_TO_CART}), frozenset({T.PURCHASE}), 2 * HOUR_MS, expires_ms=DAY_MS
)
FEEDBACK = Nudge("feedback", frozenset({T.PURCHASE}), wait_ms=3 * DAY_MS, at_minute=600, each=True)
SILENT = Nudge("silent", frozenset({T.PURCHASE}), frozenset({T.PURCHASE}), 90 * DAY_MS)
ENDING = Nudge("ending", wait_ms=48 * HOUR_MS, expires_ms=0)
NO_POINTS = [EarningRule(id_, T.UPLOAD, points=1) for id_ in ("spend", "welcome", "visit")]


def nudges(*some: Nudge, control_group: ControlGroup | None = None, **limits: Any) -> RuleBook:
    """Nothing earns points but an upload."""
    policy = NudgePolicy(some, **limits)
    return rules(*NO_POINTS, offers=(), nudges=policy, control_group=control_group)


def test_a_cart_left_behind_is_told_after_two_hours() -> None:
    by(nudges(CART))("""
        2026-03-02 08:00  Mei@mp puts mug in the cart
        2026-03-02 09:00  Mei@mp puts pen in the cart
        2026-03-02 23:00  time passes
          > at 03-02 11:00 Mei@mp nudge cart after 03-02 09:00: 03-02 11:00 until 03-03 11:00
    """)


def test_who_buys_in_time_is_not_reminded() -> None:
    by(nudges(CART))("""
        2026-03-02 08:00  Mei@mp puts mug in the cart
        2026-03-02 09:00  Mei@mp pays 10.00 for t1
        2026-03-02 23:00  time passes
    """)


def test_a_purchase_that_is_heard_of_late_takes_the_nudge_back() -> None:
    by(nudges(CART))("""
        2026-03-02 08:00  Mei@mp puts mug in the cart
        2026-03-02 11:00  time passes
          > at 03-02 10:00 Mei@mp nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
        2026-03-02 09:00  Mei@mp pays 10.00 for t1 [arrives 2026-03-02 12:00]
          > Mei@mp nudge cart withdrawn (facts)
    """)


def test_a_purchase_given_back_asks_for_no_opinion() -> None:
    by(nudges(FEEDBACK))("""
        2026-03-02 08:00  Mei@mp pays 10.00 for t1
        2026-03-03 08:00  Mei@mp pays 20.00 for t2
        2026-03-05 09:00  t2 is refunded 20.00 by r1
        2026-03-08 08:00  time passes
          > at 03-05 10:00 Mei@mp nudge feedback after 03-02 08:00: 03-05 10:00 until 03-07 10:00
    """)


def test_each_purchase_counts_by_itself_and_once_in_so_many_days_is_enough() -> None:
    by(nudges(replace(FEEDBACK, once_per_ms=30 * DAY_MS)))("""
        2026-03-02..2026-03-20 08:00  Mei@mp pays 10.00 for t*
          > at 03-05 10:00 Mei@mp nudge feedback after 03-02 08:00: 03-05 10:00 until 03-07 10:00
        2026-04-01 08:00  time passes
    """)


def test_of_several_purchases_the_next_is_asked_about_when_the_first_is_over() -> None:
    by(nudges(FEEDBACK))("""
        2026-03-02..2026-03-04 08:00  Mei@mp pays 10.00 for t*
        2026-03-20 08:00  time passes
          > at 03-05 10:00 Mei@mp nudge feedback after 03-02 08:00: 03-05 10:00 until 03-07 10:00
          > at 03-07 10:00 Mei@mp nudge feedback after 03-03 08:00: 03-06 10:00 until 03-08 10:00
          > at 03-08 10:00 Mei@mp nudge feedback after 03-04 08:00: 03-07 10:00 until 03-09 10:00
    """)


def test_silence_is_told_of_after_ninety_days_and_again_after_a_return() -> None:
    by(nudges(SILENT))("""
        2026-01-02 08:00  Mei@mp pays 10.00 for t1
        2026-05-01 08:00  time passes
          > at 04-02 08:00 Mei@mp nudge silent after 01-02 08:00: 04-02 08:00 until 04-04 08:00
        2026-05-02 08:00  Mei@mp pays 10.00 for t2
        2026-09-01 08:00  time passes
          > at 07-31 08:00 Mei@mp nudge silent after 05-02 08:00: 07-31 08:00 until 08-02 08:00
    """)


def test_nobody_is_reminded_at_night() -> None:
    by(nudges(CART, quiet=Span(21 * 60 + 30, 32 * 60 + 30)))("""
        2026-03-02 20:30  Mei@mp puts mug in the cart
        2026-03-02 23:30  Li@mp puts mug in the cart
        2026-03-03 12:00  time passes
          > at 03-03 08:30 Li@mp nudge cart after 03-02 23:30: 03-03 08:30 until 03-04 08:30
          > at 03-03 08:30 Mei@mp nudge cart after 03-02 20:30: 03-03 08:30 until 03-04 08:30
    """)


def test_one_nudge_a_day_and_the_other_waits_for_its_turn_or_expires() -> None:
    by(nudges(CART, replace(FEEDBACK, each=False), most=1))("""
        2026-03-02 08:00  Mei@mp pays 10.00 for t1
        2026-03-05 08:00  Mei@mp puts mug in the cart
        2026-03-07 08:00  time passes
          > at 03-05 10:00 Mei@mp nudge cart after 03-05 08:00: 03-05 10:00 until 03-06 10:00
          > at 03-06 00:00 Mei@mp nudge feedback after 03-02 08:00: 03-05 10:00 until 03-07 10:00
    """)


def test_an_offer_about_to_end_is_told_of() -> None:
    play(
        """
        given 2026-03-02 08:00  Mei@mp logs in
        given 2026-03-02 08:00  Mei@mp pays 40.00 for t1
        2026-03-08 08:00  time passes
          > at 03-07 08:00 Mei@mp nudge ending after 03-09 08:00: 03-07 08:00 until 03-09 08:00
        2026-03-08 09:00  Mei@mp logs in
          > Mei@mp offer revised: 45 until 03-15 09:00 for 1 purchase
          > Mei@mp nudge ending withdrawn (facts)
    """,
        rules(nudges=NudgePolicy((ENDING,))),
    )


def test_a_bind_takes_back_what_the_openid_was_told_and_tells_the_consumer() -> None:
    by(nudges(CART))("""
        given 2026-03-02 08:00  Mei@mp puts mug in the cart
        2026-03-02 11:00  time passes
          > at 03-02 10:00 Mei@mp nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
        2026-03-02 12:00  Mei@mp turns out to be Mei
          > Mei@mp bound to Mei since 03-02 12:00 by unionid.resolved
          > Mei@mp nudge cart withdrawn (superseded)
          > Mei nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
    """)


def test_without_consent_nobody_is_reminded_and_erasure_takes_it_back() -> None:
    by(nudges(CART))("""
        given 2026-03-02 08:00  Mei@mp puts mug in the cart
        given 2026-03-02 08:00  Li@mp puts mug in the cart
        2026-03-02 11:00  time passes
          > at 03-02 10:00 Li@mp nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
          > at 03-02 10:00 Mei@mp nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
        2026-03-02 12:00  Mei@mp withdraws consent
          > Mei@mp nudge cart withdrawn (consent)
        2026-03-02 13:00  Li@mp asks to be forgotten
          > Li@mp nudge cart withdrawn (erased)
    """)


def test_the_control_group_is_left_alone() -> None:
    by(nudges(CART, control_group=ControlGroup("spring", 100)))("""
        2026-03-02 08:00  Mei@mp puts mug in the cart
        2026-03-02 23:00  time passes
    """)


def test_a_member_is_reminded_too() -> None:
    by(nudges(CART))("""
        given 2026-03-01 08:00  Mei@mp enrols as m1
        2026-03-02 08:00  Mei@mp puts mug in the cart
          > counts: member +1
        2026-03-02 23:00  time passes
          > at 03-02 10:00 Mei@mp nudge cart after 03-02 08:00: 03-02 10:00 until 03-03 10:00
    """)


def test_a_nudge_says_how_the_consumer_can_be_reached() -> None:
    world = play(
        """
        given 2026-03-01 08:00  Mei@oa follows
        given 2026-03-02 11:00  Mei@oa pays 10.00 for t1
        given 2026-03-03 12:00  time passes
    """,
        nudges(replace(FEEDBACK, wait_ms=DAY_MS)),
    )
    (due,) = [output.data for output in world.published if output.type == "nudge.due.v1"]
    who = {"appid": "wxoa", "openid": "Mei"}
    assert due["channels"] == [
        {"channel": "follower", **who},
        {"channel": "service_window", **who, "until": "2026-03-04T03:00:00.000Z"},
    ]
