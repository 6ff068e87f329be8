# SPDX-License-Identifier: Apache-2.0
"""Birthdays come by themselves, once a year, from when the CRM has told which day it is."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.ruleset import ConsentMode, EarningRule
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import OFFERS, rules
from tests.scenarios.story import by

CAKE = EarningRule("cake", Touchpoint.BIRTHDAY, 30)
TOLD = replace(OFFERS, triggers=frozenset({Touchpoint.BIRTHDAY}))


def test_a_birthday_earns_points_and_is_an_occasion_for_an_offer() -> None:
    by(rules(CAKE, offers=(TOLD,), reason_text={}))("""
        2026-03-02 08:00  Mei@mp has a solar birthday on 3-05
        2026-03-05 00:00  time passes
          > Mei@mp accrual +30 cake@1, balance 30
          > Mei@mp offer issued: 30 until 03-12 00:00 for 1 birthday
    """)


def test_by_the_moon_it_is_another_day_each_year_and_a_correction_takes_no_second_one() -> None:
    by(rules(CAKE, offers=()))("""
        2026-03-02 08:00  Mei has a lunar birthday on 8-15
        2026-09-25 00:00  time passes
          > Mei accrual +30 cake@1, balance 30
        2026-10-01 08:00  Mei has a lunar birthday on 9-09
        2026-10-18 00:00  time passes
        2027-10-08 00:00  time passes
          > Mei accrual +30 cake@1, balance 60
    """)


def test_whoever_says_nothing_about_consent_gets_it_when_they_agree() -> None:
    by(rules(CAKE, offers=(), consent=ConsentMode.OPT_IN))("""
        2026-03-02 08:00  Mei@mp has a solar birthday on 3-05
        2026-03-05 00:00  time passes
        2026-03-06 08:00  Mei@mp grants consent
          > Mei@mp accrual +30 cake@1, balance 30
        2026-03-07 08:00  Mei@mp asks to be forgotten
          > Mei@mp expiry -30, balance 0
        2027-03-05 00:00  time passes
    """)


def test_a_birthday_is_of_the_openid_which_it_was_told_of() -> None:
    by(rules(CAKE, offers=()))("""
        given 2026-03-02 08:00  Mei@oa has a solar birthday on 3-05
        given 2026-03-03 08:00  Mei@oa logs in as Mei
        2026-03-05 00:00  time passes
          > Mei accrual +30 cake@1, balance 35
        2026-03-06 08:00  Mei@oa is not Mei
          > Mei@oa unbound from Mei
          > Mei transfer_out -35 with Mei@oa, balance 0
          > Mei@oa transfer_in +35 with Mei, balance 35
        2027-03-05 00:00  time passes
          > Mei@oa accrual +30 cake@1, balance 65
    """)
