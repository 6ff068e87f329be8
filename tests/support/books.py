# SPDX-License-Identifier: Apache-2.0
"""Rule books and directories for tests, small enough to reckon with in the head."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from stream.engine.model.classes import (
    ClassPolicy,
    Downgrade,
    Level,
    Lifecycle,
    Rfm,
    Tag,
    Test,
    Tiers,
    Who,
)
from stream.engine.model.directory import Directory, Move
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.ruleset import (
    Audience,
    Campaign,
    Caps,
    Combine,
    Condition,
    ConsentMode,
    ControlGroup,
    EarningRule,
    InvitationPolicy,
    Invited,
    OfferBlock,
    Op,
    Rate,
    Rounding,
    RuleBook,
    RuleGroup,
    RuleSet,
    Step,
)
from stream.engine.model.schedule import Schedule, Span
from stream.engine.model.touchpoints import Touchpoint

HOUR = 3_600_000
DAY = 24 * HOUR
#: 2026-03-01T00:00 in Shanghai, the first day of the tests' world.
START = 1_772_294_400_000

ACCOUNTS = {"wxoa": "brand", "wxmp": "brand", "wxmv": "brand"}
#: ``wxmv`` has changed its Open Platform account: which one it was in, and until when.
MOVES = {"wxmv": Move("former", START + 10 * DAY)}
DIRECTORY = Directory(ACCOUNTS, appids=frozenset({*ACCOUNTS, "wxsp"}), moves=MOVES)

OFFERS = OfferBlock(
    id="welcome",
    threshold_points=30,
    triggers=frozenset({Touchpoint.FOLLOW, Touchpoint.LOGIN, Touchpoint.PURCHASE}),
    lifetime_ms=7 * DAY,
    cooldown_ms=0,
    text={"zh-CN": "注册领取 {points} 积分：{reasons}", "en": "Sign up for {points}: {reasons}"},
    short_text={"zh-CN": "{points}积分待领取", "en": "{points} pts await"},
)


def _rules(*rules: EarningRule) -> dict[str, EarningRule]:
    return {rule.id: rule for rule in rules}


FIRST = RuleSet(
    version=1,
    effective_ms=START,
    rules=_rules(
        EarningRule(
            "spend",
            Touchpoint.PURCHASE,
            rate=Rate(Fraction(3, 2), rounding=Rounding.HALF_UP),
            caps=Caps(day=60, month=100),
        ),
        EarningRule(
            "big", Touchpoint.PURCHASE, points=7, when=(Condition("total_fen", Op.GTE, 2000),)
        ),
        EarningRule("welcome", Touchpoint.LOGIN, points=20, first_time=True),
        EarningRule("visit", Touchpoint.CHECK_IN, points=10, caps=Caps(day=20, lifetime=50)),
        EarningRule("browse", Touchpoint.PAGE_VIEW, points=1, caps=Caps(day=3)),
    ),
    campaigns=(Campaign("double", START + 2 * DAY, START + 3 * DAY + 5 * HOUR, Fraction(2)),),
    expiry_days=9,
    offers=(OFFERS,),
)
SECOND = replace(
    FIRST,
    version=2,
    effective_ms=START + 10 * DAY,
    rules=_rules(
        EarningRule(
            "spend",
            Touchpoint.PURCHASE,
            rate=Rate(Fraction(1), base="total_fen"),
            caps=Caps(day=40, month=90),
        ),
        EarningRule("welcome", Touchpoint.LOGIN, points=30, first_time=True),
        EarningRule("visit", Touchpoint.CHECK_IN, points=15, caps=Caps(lifetime=60)),
        EarningRule("browse", Touchpoint.PAGE_VIEW, points=2),
    ),
    campaigns=(),
    expiry_days=None,
    offers=(replace(OFFERS, threshold_points=25, lifetime_ms=5 * DAY),),
)

BOOK = RuleBook((FIRST, SECOND))
#: From the second version on, four consumers of ten are kept without offers.
EXPERIMENT = RuleBook(
    (
        FIRST,
        replace(
            SECOND,
            offers=(replace(OFFERS, threshold_points=25),),
            control_group=ControlGroup("spring", 40),
        ),
    )
)
#: Most of it waits for the return window; the windows of the versions overlap.
PENDING = RuleBook(
    tuple(
        replace(
            version,
            rules={
                rule.id: replace(rule, pending_days=days.get(rule.id, 0))
                for rule in version.rules.values()
            },
        )
        for version, days in (
            (FIRST, {"spend": 8, "big": 1, "visit": 5}),
            (SECOND, {"spend": 20, "welcome": 12, "visit": 3, "browse": 30}),
        )
    )
)


def _goals(first: bool) -> list[EarningRule]:
    """A rule of each kind with a memory; what the second version says differs in each."""
    purchase, visit = Touchpoint.PURCHASE, Touchpoint.CHECK_IN
    anything = Step(purchase), Step(visit), Step(Touchpoint.PAGE_VIEW)
    large = Step(purchase, (Condition("total_fen", Op.GTE, 2000),))
    capped = Caps(day=14, week=21, month=30)
    return [
        _goal("third", purchase, 11, nth=3 if first else 2, within_days=6 if first else 4),
        replace(_goal("often", visit, 7, nth=2 if first else 3), caps=capped),
        _goal("spender", purchase, 13, every_fen=4000 if first else 2500, within_days=30),
        _goal("row", visit, 17, **{"streak_days": 3, "grace": 1} if first else {"streak_days": 2}),
        _goal("weekly", purchase, 19, streak_weeks=2, grace=1),
        EarningRule(
            "all",
            None,
            23,
            caps=Caps(lifetime=60),
            settings={"within_days": 5} if first else {"needed": 2},
            steps=(large, *anything[1:]) if first else anything,
        ),
        EarningRule("cake", Touchpoint.BIRTHDAY, 31 if first else 37, pending_days=2),
        _goal("turns", visit, 5, **{"nth": 2} if first else {"streak_days": 2}),
        EarningRule("settles", visit, 4) if first else _goal("settles", visit, 29, nth=2),
    ]


def _groups(first: bool) -> tuple[RuleGroup, ...]:
    """Caps for several rules, of which some have caps of their own, and some change groups."""
    looking = RuleGroup("looking", {"welcome": 0, "browse": 1}, Caps(day=4, lifetime=28))
    coming = ["visit", "often", "settles"] if first else ["row", "visit", "cake"]
    places = {rule: place for place, rule in enumerate(coming)}
    return looking, RuleGroup("coming", places, Caps(week=40, month=120))


def _goal(id_: str, touchpoint: Touchpoint, points: int, **settings: int) -> EarningRule:
    return EarningRule(id_, touchpoint, points, settings=settings)


#: Besides the other rules.
GOALS = RuleBook(
    tuple(
        replace(
            version,
            rules={**version.rules, **_rules(*_goals(version is FIRST))},
            groups=_groups(version is FIRST),
        )
        for version in BOOK.versions
    )
)


def _is(key: str, *values: str) -> Who:
    return (Test(key, frozenset(values)),)


#: Windows of some days, so that levels fall and stages change while the tests' world lasts.
TIERS = Tiers(
    (Level("bronze", 1_000), Level("gold", 4_000), Level("platinum", 9_000)),
    window_days=6,
    hold_days=2,
    grace_days=1,
)
POLICY = ClassPolicy(
    tiers=TIERS,
    lifecycle=Lifecycle(2, 3, 5, 8),
    rfm=Rfm((1, 2, 4, 6), (1, 2, 3, 5), (1_000, 2_000, 5_000, 9_000), window_days=9),
    tags=(
        Tag("away", _is("lifecycle", "silent", "lapsed")),
        Tag("plain", (Test("tier", frozenset({"gold", "platinum"}), negated=True),)),
        Tag("vip", (*_is("tier", "gold", "platinum"), *_is("r", "4", "5"))),
    ),
)
SECOND_POLICY = replace(
    POLICY,
    tiers=replace(TIERS, window_days=4, hold_days=3, downgrade=Downgrade.TO_SPEND),
    rfm=None,
)


def _judged(version: RuleSet, policy: ClassPolicy | None, **more: Who) -> RuleSet:
    """Rules for some classes besides the others, and more for higher levels."""
    by_tier = {"bronze": Fraction(1), "gold": Fraction(3, 2), "platinum": Fraction(7, 3)}
    visit, purchase = Touchpoint.CHECK_IN, Touchpoint.PURCHASE
    rules = {name: replace(rule, who=more.get(name, ())) for name, rule in version.rules.items()}
    rules["spend"] = replace(rules["spend"], by_tier=by_tier)
    asking = _rules(
        EarningRule("again", purchase, 13, who=_is("lifecycle", "new", "silent")),
        replace(_goal("third", visit, 11, nth=2, within_days=6), who=_is("tags", "plain")),
        replace(_goal("row", purchase, 17, streak_days=2), who=_is("tier", "bronze", "gold")),
        EarningRule("good", visit, 5, who=_is("tags", "vip"), by_tier=by_tier),
        EarningRule("cake", Touchpoint.BIRTHDAY, 31, who=_is("tier", "bronze", "gold")),
    )
    together = RuleGroup("buying", {"good": 0, "spend": 1, "cake": 2}, Caps(day=60, week=150))
    half = Campaign("half", START, None, Fraction(3, 2), caps=Caps(day=15, lifetime=90))
    offers = (
        replace(OFFERS, id="stay", who=_is("lifecycle", "cooling", "silent"), threshold_points=9),
        replace(OFFERS, id="vip", who=_is("tags", "vip"), lifetime_ms=2 * DAY),
    )
    return replace(
        version,
        rules={**rules, **asking},
        classes=policy,
        offers=(*offers, *version.offers),
        groups=(together,),
        campaigns=(*version.campaigns, half),
    )


CLASSES = RuleBook(
    (
        _judged(FIRST, POLICY, welcome=_is("lifecycle", "prospect")),
        _judged(SECOND, SECOND_POLICY, welcome=_is("tier", "bronze", "gold", "platinum")),
    )
)
_TWO_COFFEES = (
    Condition("line.category", Op.EQ, "coffee"),
    Condition("line.quantity", Op.GTE, 2),
)
#: What is ordered: of two categories, and twice the same.
_ORDERS = (
    EarningRule("mix", Touchpoint.ORDER, 6, when=(Condition("categories", Op.GTE, 2),)),
    EarningRule("coffees", Touchpoint.ORDER, 4, when=_TWO_COFFEES, caps=Caps(day=8)),
)
#: What campaigns add has caps: of one for every rule, of another for one, and of both together.
LIMITED = RuleBook(
    (
        replace(
            GOALS.versions[0],
            rules={**GOALS.versions[0].rules, **_rules(*_ORDERS)},
            campaigns=(
                Campaign("plain", START, START + 5 * DAY, Fraction(3, 2)),
                Campaign("always", START, None, Fraction(2), caps=Caps(day=9, week=21)),
                Campaign(
                    "spree", START, START + 8 * DAY, Fraction(3), frozenset({"spend", "visit"}),
                    caps=Caps(day=25, lifetime=50),
                ),
            ),
        ),
        replace(
            GOALS.versions[1],
            rules={**GOALS.versions[1].rules, **_rules(*_ORDERS)},
            combine=Combine.PRODUCT,
            campaigns=(
                Campaign("half", START, START + 16 * DAY, Fraction(1, 2), frozenset({"visit"})),
                Campaign("always", START, None, Fraction(5, 2), caps=Caps(month=30)),
                Campaign(
                    "browsing", START, None, Fraction(3), frozenset({"browse"}), caps=Caps(week=5)
                ),
            ),
        ),
    )
)  # fmt: skip
#: Two of these campaigns have ended before they would have, one of them in the first version.
ENDED = replace(LIMITED, ended={"spree": START + 3 * DAY + 5 * HOUR, "always": START + 12 * DAY})
OPT_IN = RuleBook(tuple(replace(v, consent=ConsentMode.OPT_IN) for v in BOOK.versions))

_CAME = frozenset({Touchpoint.LOGIN, Touchpoint.PAGE_VIEW, Touchpoint.FOLLOW})
_BOUGHT = frozenset({Touchpoint.PURCHASE})
_QUIET = Span(540, 780)  # over when the tests' world ends, at midnight
NUDGES = (
    Nudge("feedback", _BOUGHT, wait_ms=2 * DAY, at_minute=600, each=True, expires_ms=4 * DAY),
    Nudge("cart", _CAME, _BOUGHT, wait_ms=5 * HOUR, expires_ms=9 * DAY),
    Nudge("again", _BOUGHT, _BOUGHT | _CAME, wait_ms=3 * DAY, expires_ms=6 * DAY),
    Nudge("cake", frozenset({Touchpoint.BIRTHDAY}), wait_ms=0, at_minute=700, expires_ms=9 * DAY),
    Nudge("each", _CAME, frozenset({Touchpoint.CHECK_IN}), 30 * HOUR, each=True),
)
#: Which nudges are due follows from the facts; some change with the second version.
NUDGED = RuleBook(
    (
        replace(FIRST, nudges=NudgePolicy(NUDGES[1:4])),
        replace(EXPERIMENT.versions[1], nudges=NudgePolicy(NUDGES, quiet=_QUIET)),
    )
)

_DAY = 20_513  # 2026-03-01, a Sunday
_WEEKEND = Schedule(weekdays=frozenset({6, 7}))
_NIGHTS = Schedule(weekdays=frozenset({2, 5}), hours=frozenset({Span(1_200, 1_741), Span(0, 300)}))
_FESTIVAL = Schedule((Span(_DAY + 3, _DAY + 5), Span(_DAY + 13, _DAY + 15)))
_PAYDAY = Schedule(days_of_month=frozenset({2, 15}), hours=frozenset({Span(300, 721)}))
_MULTIPLES = (
    Campaign("weekend", START, None, Fraction(2), schedule=_WEEKEND),
    Campaign("nights", START + DAY, None, Fraction(3, 2), schedule=_NIGHTS),
    Campaign(
        "festival",
        START,
        START + 15 * DAY,
        Fraction(5, 2),
        frozenset({"spend", "visit"}),
        _FESTIVAL,
    ),
)
#: Rules and campaigns by the hour, the weekday and the day; campaigns are multiplied, then not.
SCHEDULED = RuleBook(
    tuple(
        replace(
            version,
            campaigns=_MULTIPLES,
            combine=combine,
            rules={
                rule.id: replace(rule, schedule=schedules.get(rule.id))
                for rule in version.rules.values()
            },
        )
        for version, combine, schedules in (
            (FIRST, Combine.PRODUCT, {"big": _NIGHTS, "welcome": _FESTIVAL, "browse": _PAYDAY}),
            (SECOND, Combine.HIGHEST, {"visit": _WEEKEND, "spend": _PAYDAY}),
        )
    )
)


def _blocks(version: RuleSet) -> RuleSet:
    """Four blocks, which differ in whom they are for, from when and how long; invitations, too."""
    visit, browse = frozenset({Touchpoint.CHECK_IN}), frozenset({Touchpoint.PAGE_VIEW})
    first = version is FIRST
    blocks = (
        replace(OFFERS, id="checkout", threshold_points=20, triggers=browse, lifetime_ms=HOUR * 30),
        replace(
            OFFERS, id="silent", triggers=frozenset(), silent_days=2 if first else 3,
            lifetime_ms=4 * DAY, threshold_points=12,
        ),
        replace(
            OFFERS, id="account", triggers=visit, threshold_points=15,
            audience=Audience(apps=frozenset({"wxoa"})),
        ),
        replace(OFFERS, id="known", audience=Audience(open_accounts=frozenset({"brand"}))),
    )  # fmt: skip
    return replace(version, offers=(*blocks, *version.offers))


BLOCKS = RuleBook(tuple(map(_blocks, BOOK.versions)))
#: Whoever has not answered is invited to.
INVITING = replace(
    OPT_IN,
    versions=tuple(
        replace(
            version,
            invitation=InvitationPolicy(
                Invited.EVERYBODY, OFFERS.triggers, 3 * DAY, 2 * DAY, {"en": "Agree?"}, {"en": "!"}
            ),
        )
        for version in OPT_IN.versions
    ),
)
