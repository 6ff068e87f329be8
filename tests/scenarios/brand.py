# SPDX-License-Identifier: Apache-2.0
"""The brand of the scenarios: its apps, and rules to reckon with in the head.

A yuan paid is a point, the first login gives 5, a check-in 10. From 20 points on there is an
offer, which a follow, a login, a share or a check-in sets off for a week. It comes with a coffee
from 50 points on, and with a gift, too, from 100.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from stream.engine.model.directory import Directory, Move
from stream.engine.model.ruleset import Benefit, EarningRule, OfferBlock, Rate, RuleBook, RuleSet
from stream.engine.model.touchpoints import Touchpoint
from tests.support.books import DAY, START

#: The short name of an app in a story -> its appid. ``sp`` belongs to a service provider, ``old``
#: is an Official Account which was migrated to ``oa``, ``mv`` has moved to the account ``group``,
#: ``shop`` is a WeChat Shop.
APPS = {
    **{"mp": "wxmp", "oa": "wxoa", "old": "wxold", "gym": "wxgym", "mv": "wxmv", "sp": "wxsp"},
    "shop": "wxshop",
}
MOVED_AT = START + 9 * DAY  # 2026-03-10
DIRECTORY = Directory(
    {
        **{"wxmp": "brand", "wxoa": "brand", "wxold": "brand", "wxshop": "brand"},
        **{"wxgym": "fit", "wxmv": "group"},
    },
    appids=frozenset(APPS.values()),
    moves={"wxmv": Move("brand", MOVED_AT)},
)

SPEND = EarningRule("spend", Touchpoint.PURCHASE, rate=Rate(Fraction(1)))
WELCOME = EarningRule("welcome", Touchpoint.LOGIN, points=5, first_time=True)
VISIT = EarningRule("visit", Touchpoint.CHECK_IN, points=10)

OFFERS = OfferBlock(
    id="welcome",
    threshold_points=20,
    triggers=frozenset(
        {Touchpoint.FOLLOW, Touchpoint.LOGIN, Touchpoint.SHARE, Touchpoint.CHECK_IN}
    ),
    lifetime_ms=7 * DAY,
    cooldown_ms=0,
    text={
        "zh-CN": "立即注册，领取 {points} 积分！{reasons}。另赠：{benefits}。",
        "en": "Sign up now for {points} points: {reasons}. On top: {benefits}.",
    },
    short_text={"zh-CN": "{points}积分待领取", "en": "{points} pts await"},
    benefits=(
        Benefit("coffee", 50, {"zh-CN": "咖啡一杯", "en": "a coffee"}),
        Benefit("gift", 100, {"zh-CN": "精美礼品", "en": "a gift"}),
    ),
)
REASONS = {
    "zh-CN": {"purchase": "{count} 次消费", "check_in": "{count} 次签到"},
    "en": {"purchase": "purchases: {count}", "check_in": "check-ins: {count}"},
}


def version(number: int, effective_ms: int, *rules: EarningRule, **changes: Any) -> RuleSet:
    """The brand's rules with ``rules`` in place of those of the same id, and other changes."""
    earning = {rule.id: rule for rule in (SPEND, WELCOME, VISIT, *rules)}
    made = RuleSet(number, effective_ms, earning, offers=(OFFERS,), reason_text=REASONS)
    return replace(made, **changes)


def rules(*changed: EarningRule, **changes: Any) -> RuleBook:
    """A book of one version, in force since 1970."""
    return RuleBook((version(1, 0, *changed, **changes),))


def offers(**changes: Any) -> RuleBook:
    """The brand's rules with other settings of its one block of offers."""
    return rules(offers=(replace(OFFERS, **changes),))
