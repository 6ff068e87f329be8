# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

from stream.commands.explain import lines
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.ruleset import EarningRule, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from tests.engine.audit.test_explain import explained
from tests.scenarios.brand import rules
from tests.scenarios.test_tiers import SEGMENTS, TIERS
from tests.support.books import DAY

NTH = EarningRule("third", Touchpoint.PURCHASE, 50, settings={"nth": 3})
ROW = EarningRule("row", Touchpoint.CHECK_IN, 50, settings={"streak_days": 5})
STORY = """
    given 2026-03-02 08:00  Mei@mp logs in as Mei
    given 2026-03-02 09:00  Mei@mp pays 600.00 for t1
    given 2026-03-02 10:00  Mei@mp pays 100.00 for t2
"""


def said(book: RuleBook) -> list[str]:
    """What is said between the points and the offer."""
    text = [*lines(explained(STORY, book))]
    return text[text.index("  welcome@1 5") + 1 : -2]


def test_classes_and_what_is_missing_and_how_far_rules_have_come() -> None:
    policy = replace(SEGMENTS, tiers=TIERS)
    assert said(rules(NTH, ROW, classes=policy)) == [
        "tier: bronze",
        "lifecycle: active",
        "spent in the last 365 days: 700.00 yuan, 1,300.00 yuan are missing to gold",
        "third: 2 of 3",
        "row: 0 of 5",
    ]


def test_without_classes_there_is_nothing_to_say() -> None:
    assert said(rules()) == []


def test_nudges_that_are_due_or_going_to_be() -> None:
    after = frozenset({Touchpoint.PURCHASE})
    policy = NudgePolicy(
        (Nudge("soon", after, wait_ms=DAY), Nudge("later", after, wait_ms=90 * DAY))
    )
    story = STORY + "    given 2026-03-03 12:00  time passes"
    text = [*lines(explained(story, rules(nudges=policy)))]
    assert [line for line in text if line.startswith("nudge")] == [
        "nudge soon after 2026-03-02T10:00:00.000+08:00: due since 2026-03-03T10:00:00.000+08:00 "
        "until 2026-03-05T10:00:00.000+08:00, told",
        "nudge later after 2026-03-02T10:00:00.000+08:00: due at 2026-05-31T10:00:00.000+08:00 "
        "if nothing happens",
    ]
