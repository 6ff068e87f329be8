# SPDX-License-Identifier: Apache-2.0
"""Books with one block of offers, and views of accounts, to reckon with in the head."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from stream.engine.model.ruleset import Benefit, RuleBook
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import AccountView
from tests.support.books import FIRST, OFFERS, START

POLICY = replace(
    OFFERS,
    benefits=(
        Benefit("gift", 40, {"zh-CN": "礼品", "en": "a gift"}),
        Benefit("coffee", 60, {"zh-CN": "咖啡", "en": "a coffee"}),
    ),
)


def book(**changes: object) -> RuleBook:
    return RuleBook((replace(FIRST, offers=(replace(POLICY, **changes),)),))  # type: ignore[arg-type]


def view(points: int, triggered: int | None = START, **changes: object) -> AccountView:
    latest = {} if triggered is None else {int(Touchpoint.LOGIN): triggered}
    made = AccountView(granted=Counter({"spend@1": points}), latest=latest)
    for name, value in changes.items():
        setattr(made, name, value)
    return made
