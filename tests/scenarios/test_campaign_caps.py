# SPDX-License-Identifier: Apache-2.0
"""Caps of a campaign limit what it adds to its rules, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from stream.engine.model.ruleset import Campaign, Caps, Combine, RuleBook
from tests.scenarios.brand import SPEND, rules, version
from tests.scenarios.notation import at
from tests.scenarios.story import by
from tests.support.books import START

WEEKS = Campaign("weeks", START, None, Fraction(3), caps=Caps(day=20))


def test_the_cap_leaves_the_rules_points_and_goes_by_the_day() -> None:
    """Two rules share it; a yuan is a point, and two more while there is room for them."""
    by(rules(offers=(), campaigns=(WEEKS,)))("""
        2026-03-02 08:10  Mei@mp pays 8.00 for t1
          > Mei@mp accrual +16 spend*weeks@1, balance 16
          > Mei@mp accrual +8 spend@1, balance 24
        2026-03-02 12:10  Mei@mp checks in with k1
          > Mei@mp accrual +4 visit*weeks@1, balance 28
          > Mei@mp accrual +10 visit@1, balance 38
        2026-03-02 18:00  Mei@mp pays 5.00 for t2
          > Mei@mp accrual +4 spend*weeks@1, balance 42
          > Mei@mp accrual +5 spend@1, balance 47
          > Mei@mp clawback -4 visit*weeks@1, balance 43
        2026-03-03 08:10  Mei@mp pays 5.00 for t3
          > Mei@mp accrual +10 spend*weeks@1, balance 53
          > Mei@mp accrual +5 spend@1, balance 58
    """)


def test_of_one_rule_without_caps_each_purchase_is_added_to_the_last() -> None:
    weeks = replace(WEEKS, rules=frozenset({"spend"}), caps=Caps(week=20, lifetime=25))
    by(rules(offers=(), campaigns=(weeks,)))("""
        2026-03-02 08:10  Mei@mp pays 8.00 for t1
          > Mei@mp accrual +16 spend*weeks@1, balance 16
          > Mei@mp accrual +8 spend@1, balance 24
        2026-03-08 08:10  Mei@mp pays 5.00 for t2
          > Mei@mp accrual +4 spend*weeks@1, balance 28
          > Mei@mp accrual +5 spend@1, balance 33
        2026-03-09 08:10  Mei@mp pays 2.00 for t3
          > Mei@mp accrual +4 spend*weeks@1, balance 37
          > Mei@mp accrual +2 spend@1, balance 39
        2026-03-10 08:10  Mei@mp pays 2.00 for t4
          > Mei@mp accrual +1 spend*weeks@1, balance 40
          > Mei@mp accrual +2 spend@1, balance 42
    """)


def test_a_refund_and_a_late_bind_make_and_take_room() -> None:
    by(rules(offers=(), campaigns=(WEEKS,)))("""
        2026-03-02 08:10  Mei@mp pays 9.00 for t1
          > Mei@mp accrual +18 spend*weeks@1, balance 18
          > Mei@mp accrual +9 spend@1, balance 27
        2026-03-02 09:10  Mei@oa pays 9.00 for t2
          > Mei@oa accrual +18 spend*weeks@1, balance 18
          > Mei@oa accrual +9 spend@1, balance 27
        2026-04-01 12:00  Mei@mp turns out to be Mei
          > Mei@mp bound to Mei since 04-01 12:00 by unionid.resolved
          > Mei@mp transfer_out -27 with Mei, balance 0
          > Mei transfer_in +27 with Mei@mp, balance 27
        2026-04-01 12:00  Mei@oa turns out to be Mei
          > Mei@oa bound to Mei since 04-01 12:00 by unionid.resolved
          > Mei@oa transfer_out -27 with Mei, balance 0
          > Mei transfer_in +27 with Mei@oa, balance 54
          > Mei clawback -16 spend*weeks@1, balance 38
        2026-04-02 12:00  t1 is refunded 9.00 by r1
          > Mei clawback -2 spend*weeks@1, balance 36
          > Mei clawback -9 spend@1, balance 27
    """)


def test_what_a_campaign_adds_counts_against_the_caps_of_its_rule() -> None:
    by(rules(replace(SPEND, caps=Caps(day=30)), offers=(), campaigns=(WEEKS,)))("""
        2026-03-02 08:10  Mei@mp pays 8.00 for t1
          > Mei@mp accrual +16 spend*weeks@1, balance 16
          > Mei@mp accrual +8 spend@1, balance 24
        2026-03-02 18:00  Mei@mp pays 15.00 for t2
          > Mei@mp clawback -9 spend*weeks@1, balance 15
          > Mei@mp accrual +15 spend@1, balance 30
    """)


@pytest.mark.parametrize(("combine", "added"), [(Combine.HIGHEST, 10), (Combine.PRODUCT, 40)])
def test_beside_a_campaign_without_caps_it_adds_to_that(combine: Combine, added: int) -> None:
    double = Campaign("double", START, None, Fraction(2))
    weeks = replace(WEEKS, caps=Caps(lifetime=100))
    by(rules(offers=(), campaigns=(weeks, double), combine=combine))(f"""
        2026-03-02 08:10  Mei@mp pays 10.00 for t1
          > Mei@mp accrual +{added} spend*weeks@1, balance {added}
          > Mei@mp accrual +20 spend@1, balance {20 + added}
    """)


def test_a_lifetime_cap_counts_what_is_archived_and_what_another_version_added() -> None:
    """The first purchase is folded by the time of the third."""
    weeks = replace(WEEKS, caps=Caps(lifetime=25))
    book = RuleBook(
        (
            version(1, 0, offers=(), campaigns=(weeks,)),
            version(2, at("2026-04-10 00:00"), offers=(), campaigns=(weeks,)),
        ),
        retention_days=35,
        payment_horizon_days=35,
    )
    by(book)("""
        2026-03-02 08:10  Mei@mp pays 6.00 for t1
          > Mei@mp accrual +12 spend*weeks@1, balance 12
          > Mei@mp accrual +6 spend@1, balance 18
        2026-04-12 08:10  Mei@mp pays 6.00 for t2
          > Mei@mp accrual +12 spend*weeks@2, balance 30
          > Mei@mp accrual +6 spend@2, balance 36
        2026-05-30 08:10  Mei@mp pays 6.00 for t3
          > Mei@mp accrual +1 spend*weeks@2, balance 37
          > Mei@mp accrual +6 spend@2, balance 43
        2026-05-31 08:10  Mei@mp pays 6.00 for t4
          > Mei@mp accrual +6 spend@2, balance 49
    """)
