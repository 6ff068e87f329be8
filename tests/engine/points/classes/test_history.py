# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from fractions import Fraction

from stream.engine.model.classes import UNCLASSED
from stream.engine.model.ruleset import EarningRule, RuleBook
from stream.engine.points.classes.history import History, multiplied
from stream.engine.points.classes.timeline import EVER, NEVER
from tests.engine.points.classes.test_timeline import days_of
from tests.support.books import BOOK, CLASSES, DAY, FIRST, HOUR, POLICY, SECOND_POLICY, START

NOON = START + 12 * HOUR
#: Bronze and new, then gold; then nothing for a long time.
MEI = days_of([(NOON, 1_500), (NOON + HOUR, 3_000)])


def test_each_version_judges_the_whole_past() -> None:
    history = History(CLASSES, MEI)
    begins = CLASSES.versions[1].effective_ms
    assert history.judging(NOON)["lifecycle"] == "prospect"
    assert history.judging(NOON + 1)["tier"] == "bronze"
    assert history.judging(NOON + HOUR + 1)["tier"] == "gold"
    assert history.judging(begins - 1)["rfm"] == ""
    assert history.timeline(POLICY) is history.timeline(POLICY)
    assert history.timeline(SECOND_POLICY).judging(NOON + 1)["tier"] == "bronze"


def test_only_what_rules_ask_begins_a_cell_anew() -> None:
    assert History(CLASSES, MEI).rises == [EVER, NOON + 1, NOON + HOUR + 1]
    assert History(RuleBook((FIRST,)), MEI).rises == [EVER]
    assert History(CLASSES, days_of([(START - DAY, 1_500)])).rises == [EVER]  # before all rules


def test_without_classes_in_force_nothing_is_known_and_nothing_changes() -> None:
    history = History(BOOK, MEI)
    standing = history.standing(NOON)
    assert (standing.classes, standing.leaves) == (UNCLASSED, NEVER)
    assert (history.next_change(NOON), history.spent(NOON)) == (None, 0)
    assert history.judging(EVER) == UNCLASSED


def test_cells_of_rules_which_were_not_for_her_are_dropped() -> None:
    cells = {name: {START: 1, NOON + 1: 2} for name in ("again", "row", "browse")}
    History(CLASSES, MEI).admit(cells)
    hers = {NOON + 1: 2}
    assert cells == {"again": hers, "row": hers, "browse": {START: 1, NOON + 1: 2}}


def test_a_multiplier_drops_fractions_of_the_sum() -> None:
    rule = EarningRule("r", None, by_tier={"gold": Fraction(3, 2)})
    assert multiplied(rule, 7, {"tier": "gold"}) == 10
    assert multiplied(rule, 7, {"tier": "bronze"}) == 7
