# SPDX-License-Identifier: Apache-2.0
"""Several blocks of offers: the first that fits holds, and none for longer than it is true."""

from __future__ import annotations

from dataclasses import replace

from stream.engine.model.classes import ClassPolicy, Level, Test, Tiers
from stream.engine.model.ruleset import Audience
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import OFFERS, rules
from tests.scenarios.story import by
from tests.support.books import DAY

CART = replace(
    OFFERS, id="checkout", triggers=frozenset({Touchpoint.ORDER}), lifetime_ms=30 * 60_000
)
BACK = replace(OFFERS, id="come_back", triggers=frozenset(), silent_days=9, lifetime_ms=3 * DAY)
GOLD = replace(
    OFFERS,
    id="gold",
    threshold_points=10,
    who=(Test("tier", frozenset({"gold"})),),
)
TIERS = ClassPolicy(Tiers((Level("gold", 5_000),)))


def test_at_the_till_the_short_offer_comes_first_and_the_usual_one_takes_over() -> None:
    by(rules(offers=(replace(CART, cooldown_ms=0), OFFERS)))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-02 09:10  Mei@mp orders o1 for 20.00
          > Mei@mp offer revised by checkout: 30 until 03-02 09:40 for 1 purchase
        2026-03-02 09:40  time passes
          > Mei@mp offer revised: 30 until 03-09 09:00 for 1 purchase
    """)


def test_silence_sets_an_offer_off_which_a_return_does_not_end() -> None:
    by(rules(offers=(BACK,)))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-11 08:00  time passes
          > Mei@mp offer issued by come_back: 30 until 03-14 08:00 for 1 purchase
        2026-03-12 08:00  Mei@mp shares /menu
        2026-03-14 08:00  time passes
          > Mei@mp offer lapsed
    """)


def test_a_level_brings_its_own_offer_and_its_end_takes_it() -> None:
    by(rules(offers=(GOLD, OFFERS), classes=TIERS))("""
        2026-03-02 08:00  Mei@mp pays 60.00 for t1
          > Mei@mp accrual +60 spend@1, balance 60
          > Mei@mp tier none -> gold since 03-02 08:00: spent 60.00
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued by gold: 60 + coffee until 03-09 09:00 for 1 purchase
        2026-03-02 10:00  t1 is refunded 30.00 by r1
          > Mei@mp clawback -30 spend@1, balance 30
          > Mei@mp offer revised: 30 until 03-09 09:00 for 1 purchase
          > Mei@mp tier gold -> none since 03-02 10:00: spent 30.00, 20.00 to gold
    """)


def test_a_block_for_one_app_is_for_those_who_were_met_there() -> None:
    here = replace(OFFERS, id="here", audience=Audience(apps=frozenset({"wxoa"})))
    by(rules(offers=(here, OFFERS)))("""
        2026-03-02 08:00  Mei@mp pays 30.00 for t1
          > Mei@mp accrual +30 spend@1, balance 30
        2026-03-02 09:00  Mei@mp shares /menu
          > Mei@mp offer issued: 30 until 03-09 09:00 for 1 purchase
        2026-03-02 10:00  Mei@oa pays 30.00 for t2
          > Mei@oa accrual +30 spend@1, balance 30
        2026-03-02 11:00  Mei@oa shares /menu
          > Mei@oa offer issued by here: 30 until 03-09 11:00 for 1 purchase
    """)
