# SPDX-License-Identifier: Apache-2.0
"""Long lives: two people with openids in two apps, for more than a year, and much is heard late.

Nobody knows for months whose an openid is; then a login says so, or somebody takes it back.
Payments, refunds, enrolments and answers about consent arrive up to a year after they happened,
everything else up to a month. All of it is within reach of the rules, so that nothing of it may
have been forgotten by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random

from schemas import Event
from stream.engine.model.classes import Downgrade, Lifecycle, Rfm
from stream.engine.model.ruleset import (
    Campaign,
    Caps,
    ConsentMode,
    EarningRule,
    Rate,
    RuleBook,
    RuleSet,
)
from stream.engine.model.touchpoints import Touchpoint
from tests.support import events
from tests.support.books import CLASSES, DAY, FIRST, GOALS, HOUR, POLICY, START, TIERS

DAYS_MIN, DAYS_MAX = 400, 700
#: When everything has arrived: less than what a rule book reaches back.
END = START + 790 * DAY
#: How long after it happened something arrives, in days.
LATE = (0, 0, 0, 1, 9, 30)
VERY_LATE = (0, 0, 1, 30, 200, 360)
_ORIGINS = (
    ("wxmp", "oMei-1"),
    ("wxmp", "oMei-2"),
    ("wxmp", "oLi_-1"),
    ("wxoa", "oMei-1"),
    ("wxoa", "oLi_-1"),
)
_VERY_LATE = ("payment.", "refund.", "member.", "consent.", "unbind.")
_FENS = (33, 1050, 2000, 5000, 10_000)

#: When it is published (ms), and the event.
Published = tuple[int, Event]


# rules --------------------------------------------------------------------------------------------


def _version(
    version: int, day: int, consent: ConsentMode, expiry: int | None, *rules: EarningRule
) -> RuleSet:
    return replace(
        FIRST,
        version=version,
        effective_ms=START + day * DAY,
        consent=consent,
        rules={rule.id: rule for rule in rules},
        campaigns=(),
        expiry_days=expiry,
    )


def _long(first: ConsentMode, second: ConsentMode) -> RuleBook:
    """Caps which span months and lives; the rules change in the middle of a month, twice."""
    spend, visit = Touchpoint.PURCHASE, Touchpoint.CHECK_IN
    welcome = EarningRule("welcome", Touchpoint.LOGIN, points=20, first_time=True)
    before = (
        EarningRule("spend", spend, rate=Rate(Fraction(1)), caps=Caps(day=60, month=100)),
        EarningRule("visit", visit, points=10, caps=Caps(day=20, month=50, lifetime=160)),
        EarningRule("debut", visit, points=200, first_time=True),
        EarningRule("browse", Touchpoint.PAGE_VIEW, points=1, caps=Caps(day=3, lifetime=25)),
    )
    after = (
        EarningRule("spend", spend, rate=Rate(Fraction(2)), caps=Caps(month=300, lifetime=2000)),
        EarningRule("visit", visit, points=15, caps=Caps(month=60, lifetime=300)),
        EarningRule("debut", visit, points=200, first_time=True),
    )
    return RuleBook(
        (
            _version(1, 0, first, None, welcome, *before),
            _version(2, 150, second, 200, welcome, *after),
            _version(3, 380, first, None, welcome, *before),
        )
    )


def _pending(book: RuleBook) -> RuleBook:
    """What is bought and who comes in waits: weeks in one version, half a year in another."""
    versions = [
        replace(
            version,
            rules={
                rule.id: replace(rule, pending_days=days) if rule.id in _WAITS else rule
                for rule in version.rules.values()
            },
        )
        for version, days in zip(book.versions, (180, 14, 60), strict=True)
    ]
    return replace(book, versions=tuple(versions))


def _with_goals(book: RuleBook) -> RuleBook:
    """Besides the other rules, those with a memory; in the last version as in the first."""
    first, second = GOALS.versions
    versions = [
        replace(version, rules={**goals.rules, **version.rules}, groups=goals.groups)
        for version, goals in zip(book.versions, (first, second, first), strict=True)
    ]
    return replace(book, versions=tuple(versions))


def _with_classes(book: RuleBook) -> RuleBook:
    """Windows of months; the second version has a calendar year, the last one no scores."""
    tiers = replace(TIERS, window_days=120, hold_days=40, grace_days=10)
    year = replace(tiers, window_days=0, downgrade=Downgrade.TO_SPEND)
    stages = Lifecycle(20, 30, 60, 120)
    rfm = Rfm((15, 30, 60, 90), (2, 3, 4, 6), (2_000, 5_000, 9_000, 20_000), window_days=180)
    policies = (
        replace(POLICY, tiers=tiers, lifecycle=stages, rfm=rfm),
        replace(POLICY, tiers=year, lifecycle=stages, rfm=rfm),
        replace(POLICY, tiers=tiers, lifecycle=stages, rfm=None),
    )
    judged = CLASSES.versions[0].rules
    versions = [
        replace(
            version,
            classes=policy,
            rules={
                **version.rules,
                **{rule.id: rule for rule in judged.values() if rule.who},
                "spend": replace(version.rules["spend"], by_tier=judged["spend"].by_tier),
            },
        )
        for version, policy in zip(book.versions, policies, strict=True)
    ]
    return replace(book, versions=tuple(versions))


def _with_campaigns(book: RuleBook) -> RuleBook:
    """What campaigns add has caps, and that of one is counted over all consumers."""
    third = Campaign("third", START, None, Fraction(3), frozenset({"debut", "visit"}), caps=_CAPS)
    caps = Caps(week=30, lifetime=400)
    double = Campaign("double", START, None, Fraction(2), caps=caps, budget=10**9)
    more = EarningRule("more", Touchpoint.PURCHASE, points=3)
    versions = [
        replace(
            version,
            rules={**version.rules, "more": more},
            campaigns=(third, replace(double, rules=rules)),
        )
        for version, rules in zip(
            book.versions, (None, frozenset({"spend", "more"}), None), strict=True
        )
    ]
    return replace(book, versions=tuple(versions))


_CAPS = Caps(day=15, month=45)
_WAITS = ("spend", "debut")
OPT_OUT, OPT_IN = ConsentMode.OPT_OUT, ConsentMode.OPT_IN
BOOKS = {
    "long": _long(OPT_OUT, OPT_OUT),
    "long pending": _pending(_long(OPT_OUT, OPT_IN)),
    "long opt_in": _long(OPT_IN, OPT_IN),
    "long mixed": _long(OPT_OUT, OPT_IN),
    "long classes": _with_classes(_long(OPT_OUT, OPT_IN)),
    "long goals": _with_goals(_long(OPT_OUT, OPT_OUT)),
    "long limited": _with_campaigns(_long(OPT_OUT, OPT_OUT)),
}


# lives --------------------------------------------------------------------------------------------


@dataclass
class _Lives:
    random: Random
    days: int
    whose: dict[tuple[str, str], str]  # origin -> union
    number: int = 0
    paid: dict[str, int] = field(default_factory=dict)  # transaction -> ms
    shown: list[tuple[int, str]] = field(default_factory=list)  # when (ms), and which ticket

    def time(self, first: float = 0.0) -> int:
        """From so much of the life on."""
        day = self.random.randrange(int(self.days * first), self.days)
        return START + day * DAY + self.random.choice((0, 1, 5 * HOUR, 12 * HOUR, DAY - 1))

    def origin(self, app: str = "") -> tuple[str, str]:
        return self.random.choice([o for o in self.whose if app in o[0]] or [*self.whose])

    def somebody(self) -> dict[str, str]:
        """By one of their openids, or by their Union ID."""
        app, openid = origin = self.origin()
        if self.random.random() < 0.7:
            return {"appid": app, "openid": openid}
        return {"unionid": self.whose[origin], "open_account": "brand"}

    def next(self) -> str:
        self.number += 1
        return str(self.number)


def _visit(lives: _Lives) -> Event:
    """Two apps may report one ticket, each by an openid of its own."""
    app, openid = lives.origin()
    if lives.shown and lives.random.random() < 0.15:
        at, ticket = lives.random.choice(lives.shown)
        at = lives.random.choice((at, lives.time()))
    else:
        at, ticket = lives.time(), f"k{lives.next()}"
    lives.shown.append((at, ticket))
    return events.check_in(at, ticket, {"appid": app, "openid": openid})


def _view(lives: _Lives) -> Event:
    return events.page_view(lives.time(), lives.origin("wxmp")[1])


def _login(lives: _Lives) -> Event:
    app, openid = lives.origin()
    return events.login(lives.time(), openid, app=app)


def _payment(lives: _Lives) -> Event:
    at, transaction = lives.time(), f"t{lives.next()}"
    lives.paid[transaction] = at
    return events.payment(at, transaction, lives.origin("wxmp")[1], lives.random.choice(_FENS))


def _refund(lives: _Lives) -> Event:
    if not lives.paid:
        return _payment(lives)
    transaction = lives.random.choice([*lives.paid])
    at = lives.paid[transaction] + lives.random.choice((1, 20, 100, 300, 360)) * DAY
    return events.refund(
        min(at, END - 2 * DAY), transaction, f"r{lives.next()}", lives.random.choice(_FENS)
    )


def _consent(lives: _Lives) -> Event:
    word = lives.random.choice(("granted", "granted", "paused", "withdrawn"))
    return events.consent(lives.time(), word, lives.somebody())


def _enrolment(lives: _Lives) -> Event:
    return events.enrolled(lives.time(), lives.random.choice(("m1", "m2")), lives.somebody())


def _bind(lives: _Lives) -> Event:
    """Late in a life; seldom to somebody else."""
    app, openid = origin = lives.origin()
    union = lives.whose[origin]
    if lives.random.random() < 0.1:
        union = lives.random.choice(events.UNIONS)
    if lives.random.random() < 0.3:
        return events.resolved(lives.time(0.2), openid, union, app)
    return events.login(lives.time(0.2), openid, union, app=app)


def _unbind(lives: _Lives) -> Event:
    _, openid = origin = lives.origin("wxmp")
    return events.unbind(lives.time(0.3), openid, lives.whose[origin])


_USUAL: tuple[Callable[[_Lives], Event], ...] = (_visit, _visit, _view, _login, _payment)
_RARE: tuple[Callable[[_Lives], Event], ...] = (_refund, _consent, _enrolment, _unbind)


def lives(random: Random, size: int) -> list[Event]:
    """Some ``size`` events of two people, who may share nothing, or quarrel about an openid."""
    origins = random.sample(_ORIGINS, random.randint(2, 4))
    one = random.random() < 0.5
    whose = {origin: "uMei" if one else random.choice(events.UNIONS) for origin in origins}
    life = _Lives(random, random.randint(DAYS_MIN, DAYS_MAX), whose)
    found = [random.choice(_USUAL)(life) for _ in range(size)]
    found += [_bind(life) for _ in range(random.randint(1, 1 + len(origins)))]
    for rare in random.sample(_RARE, random.randint(0, len(_RARE))):
        found += [rare(life) for _ in range(random.randint(1, 3))]
    return found


def arrivals(random: Random, happened: list[Event]) -> list[Published]:
    """Each event late by chance, some of them twice, in the order of publication."""
    found: list[Published] = []
    paid = {_transaction(event): event.time_ms for event in happened if _is(event, "payment")}
    for event in happened:
        late = random.choice(VERY_LATE if event.type.startswith(_VERY_LATE) else LATE)
        at = event.time_ms + late * DAY
        if _is(event, "refund"):  # its payment is remembered for so long
            at = max(event.time_ms, min(at, paid[_transaction(event)] + 365 * DAY))
        found.append((min(at, END - DAY), event))
        if random.random() < 0.1 and not _is(event, "refund"):
            found.append((min(event.time_ms + 31 * DAY, END - DAY), event))
    return sorted(found, key=lambda one: one[0])


def _is(event: Event, subject: str) -> bool:
    return event.type == f"{subject}.succeeded.v1"


def _transaction(event: Event) -> str:
    """Of a payment or a refund; else nothing."""
    return getattr(event.data, "transaction_id", None) or ""
