# SPDX-License-Identifier: Apache-2.0
"""Campaigns and rules by the hour, the weekday and the date, as a marketer writes them."""

from __future__ import annotations

import textwrap

from stream.engine.model.ruleset import RuleBook
from stream.rules.loader import parse_rules
from tests.scenarios.story import by

SPEND = "earn: [{id: spend, touchpoint: purchase, points_per_yuan: 1}]\n"


def rules(written: str, earn: str = SPEND, effective: str = "2026-01-01") -> RuleBook:
    """Version 1 of a file."""
    version = f"version: 1\neffective: {effective}\nconsent: opt_out\n{earn}{written}"
    return parse_rules(f"versions:\n  -\n{textwrap.indent(version, '    ')}", "rules.yaml")


def test_breakfast_from_six_to_ten_earns_half_as_much_again() -> None:
    mornings = "campaigns: [{id: mornings, multiplier: 1.5, when: {hours: 06:00-10:00}}]"
    by(rules(mornings))("""
        2026-03-02 05:59  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-03-02 06:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +15 spend@1, balance 25
        2026-03-02 09:59  Mei@mp pays 10.00 for t3
          > Mei@mp accrual +15 spend@1, balance 40
        2026-03-02 10:00  Mei@mp pays 10.00 for t4
          > Mei@mp accrual +10 spend@1, balance 50
        2026-03-02 07:00  Mei@mp pays 10.00 for t5  [arrives 2026-03-03 18:00]
          > Mei@mp accrual +15 spend@1, balance 65
    """)


def test_weekends_are_double_however_late_the_event_comes() -> None:
    by(rules("campaigns: [{id: weekends, multiplier: 2, when: {weekdays: [sat, sun]}}]"))("""
        2026-03-06 23:59  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-03-07..2026-03-08 00:00  Mei@mp pays 10.00 for w*
          > at 03-07 00:00 Mei@mp accrual +20 spend@1, balance 30
          > at 03-08 00:00 Mei@mp accrual +20 spend@1, balance 50
        2026-03-08 23:59  Mei@mp pays 10.00 for t2  [arrives 2026-03-11 09:00]
          > Mei@mp accrual +20 spend@1, balance 70
        2026-03-11 10:00  w1 is refunded 5.00 by r1
          > Mei@mp clawback -10 spend@1, balance 60
        2026-03-16 00:00  Mei@mp pays 10.00 for t3
          > Mei@mp accrual +10 spend@1, balance 70
    """)


def test_the_520_and_two_days_before_it_every_year() -> None:
    love = "{dates: [{festival: 520, days_before: 2}]}"
    by(rules(f"campaigns: [{{id: love, multiplier: 2, when: {love}}}]"))("""
        2026-05-17 23:59  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-05-18 00:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +20 spend@1, balance 30
        2026-05-20 23:59  Mei@mp pays 10.00 for t3
          > Mei@mp accrual +20 spend@1, balance 50
        2026-05-21 00:00  Mei@mp pays 10.00 for t4
          > Mei@mp accrual +10 spend@1, balance 60
        2027-05-19 12:00  Mei@mp pays 10.00 for t5
          > Mei@mp accrual +20 spend@1, balance 80
    """)


def test_qixi_is_where_the_lunar_calendar_has_it() -> None:
    """2026-08-19, 2027-08-08."""
    qixi = "{dates: [{festival: qixi, days_before: 3, days_after: 1}]}"
    by(rules(f"campaigns: [{{id: qixi, multiplier: 2, when: {qixi}}}]"))("""
        2026-08-15 12:00  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-08-16 12:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +20 spend@1, balance 30
        2026-08-20 12:00  Mei@mp pays 10.00 for t3
          > Mei@mp accrual +20 spend@1, balance 50
        2026-08-21 12:00  Mei@mp pays 10.00 for t4
          > Mei@mp accrual +10 spend@1, balance 60
        2027-08-08 12:00  Mei@mp pays 10.00 for t5
          > Mei@mp accrual +20 spend@1, balance 80
        2027-08-19 12:00  Mei@mp pays 10.00 for t6
          > Mei@mp accrual +10 spend@1, balance 90
    """)


def test_a_night_belongs_to_the_day_on_which_it_begins_and_a_cap_to_the_day_of_the_event() -> None:
    capped = SPEND.replace("points_per_yuan: 1", "points_per_yuan: 1, caps: {day: 25}")
    night = "{weekdays: [fri], hours: 22:00-02:00}"
    by(rules(f"campaigns: [{{id: night, multiplier: 2, when: {night}}}]", capped))("""
        2026-03-06 01:00  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +10 spend@1, balance 10
        2026-03-06 22:00  Mei@mp pays 10.00 for t2
          > Mei@mp accrual +15 spend@1, balance 25
        2026-03-07 01:59  Mei@mp pays 10.00 for t3
          > Mei@mp accrual +20 spend@1, balance 45
        2026-03-07 02:00  Mei@mp pays 1.00 for t4
          > Mei@mp accrual +1 spend@1, balance 46
        2026-03-07 22:00  Mei@mp pays 1.00 for t5
          > Mei@mp accrual +1 spend@1, balance 47
    """)


TWO = """
campaigns:
  - {id: weekends, multiplier: 2, when: {weekdays: [sat, sun]}}
  - {id: mornings, multiplier: 1.5, when: {hours: 06:00-10:00}}
  - {id: elsewhere, multiplier: 9, when: {dates: [2026-03-09]}}
"""


def test_where_campaigns_meet_the_highest_counts() -> None:
    by(rules(TWO))("""
        2026-03-06 08:00  Mei@mp pays 10.30 for t1
          > Mei@mp accrual +15 spend@1, balance 15
        2026-03-07 08:00  Mei@mp pays 10.30 for t2
          > Mei@mp accrual +20 spend@1, balance 35
    """)


def test_or_all_of_them_are_multiplied_and_rounded_once() -> None:
    by(rules(f"combine: product{TWO}"))("""
        2026-03-06 08:00  Mei@mp pays 10.30 for t1
          > Mei@mp accrual +15 spend@1, balance 15
        2026-03-07 08:00  Mei@mp pays 10.35 for t2
          > Mei@mp accrual +31 spend@1, balance 46
        2026-03-07 12:00  Mei@mp pays 10.35 for t3
          > Mei@mp accrual +20 spend@1, balance 66
    """)


COFFEE = """
calendar:
  2026: {days_off: [{from: 02-15, to: 02-23}], workdays: [02-14]}
earn:
  - id: coffee
    touchpoint: purchase
    points: 5
    when: {working_day: true, hours: 06:00-10:00, payer_total_fen: {gte: 1000}}
  - {id: holiday, touchpoint: check_in, points: 10, when: {working_day: false}}
"""


def test_a_worked_saturday_is_a_working_day_and_a_holiday_is_none() -> None:
    by(rules("", COFFEE))("""
        2026-02-13 08:00  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +5 coffee@1, balance 5
        2026-02-13 08:01  Mei@mp pays 9.99 for t2
        2026-02-13 10:00  Mei@mp pays 10.00 for t3
        2026-02-14 08:00  Mei@mp pays 10.00 for t4
          > Mei@mp accrual +5 coffee@1, balance 10
        2026-02-14 09:00  Mei@mp checks in with k1
        2026-02-16 08:00  Mei@mp pays 10.00 for t5
        2026-02-16 09:00  Mei@mp checks in with k2
          > Mei@mp accrual +10 holiday@1, balance 20
        2026-02-28 09:00  Mei@mp checks in with k3
          > Mei@mp accrual +10 holiday@1, balance 30
    """)


def test_a_year_without_a_list_has_neither_working_days_nor_days_off() -> None:
    by(rules("", COFFEE))("""
        2026-12-31 08:00  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +5 coffee@1, balance 5
        2027-01-01 08:00  Mei@mp checks in with k1
        2027-01-04 08:00  Mei@mp pays 10.00 for t2
    """)


def test_a_first_time_waits_for_its_hour() -> None:
    first = "earn: [{id: first, touchpoint: login, points: 9, first_time: true, when: %s}]\n"
    by(rules("", first % "{days_of_month: [8], hours: 12:00-24:00}"))("""
        2026-03-07 12:00  Mei@mp logs in
        2026-03-08 11:59  Mei@mp logs in
        2026-03-08 12:00  Mei@mp logs in
          > Mei@mp accrual +9 first@1, balance 9
        2026-04-08 12:00  Mei@mp logs in
    """)
