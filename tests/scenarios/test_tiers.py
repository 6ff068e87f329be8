# SPDX-License-Identifier: Apache-2.0
"""Tiers, segments and tags: who somebody is follows from what they bought, whenever it is heard."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from stream.engine.model.classes import ClassPolicy, Downgrade, Level, Lifecycle, Tag, Test, Tiers
from stream.engine.model.ruleset import ConsentMode, EarningRule, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import SPEND, rules, version
from tests.scenarios.notation import at
from tests.scenarios.story import by

TIERS = Tiers(
    (Level("bronze", 50_000), Level("gold", 200_000)), hold_days=30, downgrade=Downgrade.ONE_DOWN
)
GOLD = replace(SPEND, by_tier={"gold": Fraction(3, 2)})


def tiers(*changed: EarningRule, policy: ClassPolicy | None = None) -> RuleBook:
    return rules(*changed, offers=(), classes=policy or ClassPolicy(TIERS))


def test_mei_becomes_gold_at_lunch_and_dinner_earns_more() -> None:
    by(tiers(GOLD))("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        2026-03-02 08:00  Mei@oa pays 1990.00 for t1
          > Mei accrual +1990 spend@1, balance 1990
          > Mei tier none -> bronze since 03-02 08:00: spent 1990.00, 10.00 to gold
        2026-03-02 12:00  Mei@oa pays 11.00 for t2
          > Mei accrual +11 spend@1, balance 2001
          > Mei tier bronze -> gold since 03-02 12:00: spent 2001.00
        2026-03-02 19:00  Mei@oa pays 33.00 for t3
          > Mei accrual +49 spend@1, balance 2050
        2026-03-02 20:00  Mei@oa pays 33.00 for t4
          > Mei accrual +50 spend@1, balance 2100
    """)


def test_a_refund_undoes_the_level_and_what_it_multiplied() -> None:
    by(tiers(GOLD))("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        given 2026-03-02 08:00  Mei@oa pays 2000.00 for t1
        given 2026-03-03 08:00  Mei@oa pays 100.00 for t2
        2026-03-04 08:00  t1 is refunded 200.00 by r1
          > Mei clawback -250 spend@1, balance 1900
          > Mei tier gold -> bronze since 03-02 08:00: spent 1900.00, 100.00 to gold
    """)


def test_a_level_is_held_and_falls_by_one_at_midnight() -> None:
    by(tiers())("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        given 2026-03-02 08:00  Mei@oa pays 2000.00 for t1
        given 2026-08-01 08:00  Mei@oa pays 30.00 for t2
        2027-06-01 08:00  time passes
          > at 04-01 00:00 Mei tier gold -> bronze since 04-01 00:00: spent 30.00, 1970.00 to gold
          > at 05-01 00:00 Mei tier bronze -> none since 05-01 00:00: spent 30.00, 470.00 to bronze
    """)


def test_a_late_bind_makes_one_customer_of_two() -> None:
    by(tiers(GOLD))("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        2026-03-02 08:00  Mei@mp pays 600.00 for t1
          > Mei@mp accrual +600 spend@1, balance 600
          > Mei@mp tier none -> bronze since 03-02 08:00: spent 600.00, 1400.00 to gold
        2026-03-03 08:00  Mei@oa pays 1500.00 for t2
          > Mei accrual +1500 spend@1, balance 1500
          > Mei tier none -> bronze since 03-03 08:00: spent 1500.00, 500.00 to gold
        2026-03-04 08:00  Mei@oa pays 100.00 for t3
          > Mei accrual +100 spend@1, balance 1600
        2026-03-05 08:00  Mei@mp logs in as Mei
          > Mei@mp bound to Mei since 03-05 08:00 by session.logged_in
          > Mei@mp transfer_out -600 with Mei, balance 0
          > Mei@mp tier bronze -> none (superseded)
          > Mei transfer_in +600 with Mei@mp, balance 2200
          > Mei accrual +50 spend@1, balance 2250
          > Mei tier bronze -> gold since 03-03 08:00: spent 2200.00
          > Mei accrual +5 welcome@1, balance 2255
        2026-03-06 08:00  Mei@mp is not Mei
          > Mei@mp unbound from Mei
          > Mei transfer_out -655 with Mei@mp, balance 1600
          > Mei tier gold -> bronze since 03-03 08:00: spent 1600.00, 400.00 to gold
          > Mei@mp transfer_in +655 with Mei, balance 655
          > Mei@mp clawback -50 spend@1, balance 605
          > Mei@mp tier none -> bronze since 03-02 08:00: spent 600.00, 1400.00 to gold
    """)


def test_without_consent_nothing_is_told_and_what_was_told_is_taken_back() -> None:
    by(tiers())("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        given 2026-03-02 08:00  Mei@oa pays 600.00 for t1
        2026-03-03 08:00  Mei withdraws consent
          > Mei tier bronze -> none (consent)
        2026-03-04 08:00  Mei grants consent
          > Mei tier none -> bronze since 03-02 08:00: spent 600.00, 1400.00 to gold
        2026-03-05 08:00  Mei asks to be forgotten
          > Mei expiry -600, balance 0
          > Mei tier bronze -> none (erased)
    """)


def test_levels_go_on_after_the_enrolment_and_points_do_not() -> None:
    by(tiers())("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        given 2026-03-02 08:00  Mei@oa pays 600.00 for t1
        given 2026-03-03 08:00  Mei enrols as M1
        2026-03-04 08:00  Mei@oa pays 1400.00 for t2
          > Mei tier bronze -> gold since 03-04 08:00: spent 2000.00
          > counts: member +1
    """)


def test_a_version_that_brings_tiers_judges_what_was_bought_before() -> None:
    later = version(2, at("2026-03-03 00:00"), GOLD, offers=(), classes=ClassPolicy(TIERS))
    by(RuleBook((version(1, 0, offers=()), later)))("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        2026-03-02 08:00  Mei@oa pays 2000.00 for t1
          > Mei accrual +2000 spend@1, balance 2000
        2026-03-02 09:00  Mei@oa pays 10.00 for t2
          > Mei accrual +10 spend@1, balance 2010
        2026-03-03 08:00  Mei@oa pays 10.00 for t3
          > at 03-03 00:00 Mei tier none -> gold since 03-02 08:00: spent 2010.00
          > Mei accrual +15 spend@2, balance 2025
    """)


SEGMENTS = ClassPolicy(
    lifecycle=Lifecycle(),
    tags=(Tag("away", (Test("lifecycle", frozenset({"silent", "lapsed"})),)),),
)


def test_stages_follow_the_last_purchase_and_a_rule_brings_the_silent_back() -> None:
    back = EarningRule("back", Touchpoint.PURCHASE, 500, who=SEGMENTS.tags[0].who)
    by(tiers(back, policy=SEGMENTS))("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        2026-03-01 08:00  Mei@oa pays 10.00 for t1
          > Mei accrual +10 spend@1, balance 10
          > Mei segment lifecycle - -> new
        2026-03-02 08:00  Mei@oa pays 10.00 for t2
          > Mei accrual +10 spend@1, balance 20
          > Mei segment lifecycle new -> active
        2026-06-10 08:00  Mei@oa pays 10.00 for t3
          > at 04-01 00:00 Mei segment lifecycle active -> cooling
          > at 05-31 00:00 Mei segment lifecycle cooling -> silent
          > at 05-31 00:00 Mei tags +away
          > Mei accrual +500 back@1, balance 520
          > Mei accrual +10 spend@1, balance 530
          > Mei segment lifecycle silent -> active
          > Mei tags -away
        2026-06-10 09:00  Mei@oa pays 10.00 for t4
          > Mei accrual +10 spend@1, balance 540
    """)


def test_while_the_question_is_open_nobody_is_classified() -> None:
    book = rules(offers=(), classes=SEGMENTS, consent=ConsentMode.OPT_IN)
    by(book)("""
        given 2026-02-01 08:00  Mei@oa turns out to be Mei
        2026-03-01 08:00  Mei@oa pays 10.00 for t1
          > counts: parked +1
        2026-03-02 08:00  Mei grants consent
          > Mei accrual +10 spend@1, balance 10
          > Mei segment lifecycle - -> new
          > counts: applied +3, parked -2
    """)
