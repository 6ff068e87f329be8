# SPDX-License-Identifier: Apache-2.0
"""Points for what was bought: two categories in one order, or two pieces of one article."""

from __future__ import annotations

from stream.engine.model.ruleset import Caps, Condition, EarningRule, Op
from stream.engine.model.touchpoints import Touchpoint
from tests.scenarios.brand import rules
from tests.scenarios.story import by

MIX = Condition("categories", Op.GTE, 2)
COFFEES = (
    Condition("line.category", Op.EQ, "coffee"),
    Condition("line.quantity", Op.GTE, 2),
)


def test_an_order_of_two_categories_earns_until_it_is_cancelled() -> None:
    mix = EarningRule("mix", Touchpoint.ORDER, 30, when=(MIX,))
    by(rules(mix, offers=()))("""
        2026-03-02 08:00  Mei@mp orders o1 for 20.00 with coffee, coffee
        2026-03-02 08:10  Mei@mp orders o2 for 20.00
        2026-03-02 08:20  Mei@mp orders o3 for 20.00 with coffee, cake, cake
          > Mei@mp accrual +30 mix@1, balance 30
        2026-03-02 09:00  Mei@mp did not take order o3 of 2026-03-02 08:20
          > Mei@mp clawback -30 mix@1, balance 0
    """)


def test_all_conditions_on_a_line_hold_for_one_article_whose_lines_are_added_up() -> None:
    coffees = EarningRule("coffees", Touchpoint.ORDER, 5, when=COFFEES, caps=Caps(day=5))
    by(rules(coffees, offers=()))("""
        2026-03-02 08:00  Mei@mp orders o1 for 20.00 with 1 coffee, 2 tea
        2026-03-03 08:00  Mei@mp orders o2 for 20.00 with 1 coffee, 2 tea, 1 coffee
          > Mei@mp accrual +5 coffees@1, balance 5
        2026-03-03 09:00  Mei@mp orders o3 for 20.00 with 3 coffee
    """)


def test_the_lines_of_a_purchase_stay_until_it_is_refunded_in_full() -> None:
    """The first refund is heard of before the payment."""
    mix = EarningRule("mix", Touchpoint.PURCHASE, 30, when=(MIX,))
    by(rules(mix, offers=()))("""
        2026-03-02 09:00  the shop refunds 5.00 of t1 by r1
          > counts: parked +1
        2026-03-02 08:00 Mei@shop pays 20.00 in the shop for t1 with a, b [arrives 2026-03-02 09:10]
          > Mei@shop accrual +30 mix@1, balance 30
          > Mei@shop accrual +20 spend@1, balance 50
          > Mei@shop clawback -5 spend@1, balance 45
          > counts: applied +2, parked -1
        2026-03-02 10:00  the shop refunds 15.00 of t1 by r2
          > Mei@shop clawback -30 mix@1, balance 15
          > Mei@shop clawback -15 spend@1, balance 0
    """)
