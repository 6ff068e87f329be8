# SPDX-License-Identifier: Apache-2.0
"""The rule books of this world, and how they change while it runs."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from random import Random

from stream.engine.model.limits import SKEW_MS
from stream.engine.model.nudges import NudgePolicy
from stream.engine.model.ruleset import Caps, EarningRule, Rate, RuleBook, RuleSet
from stream.engine.model.touchpoints import Touchpoint
from tests.support import lives
from tests.support.books import (
    BLOCKS,
    BOOK,
    CLASSES,
    DAY,
    EXPERIMENT,
    GOALS,
    HOUR,
    NUDGED,
    NUDGES,
    OPT_IN,
    PENDING,
    START,
)

COOLDOWN_MS = 30 * HOUR
EXPIRY_DAYS = 6  # by a further version
IDLE_DAYS = 97  # the least which settings allow with these horizons


def _cool(version: RuleSet) -> RuleSet:
    cool = tuple(replace(block, cooldown_ms=COOLDOWN_MS) for block in version.offers)
    return replace(version, offers=cool)


BOOKS: dict[str, RuleBook] = {
    "opt_out": BOOK,
    "opt_in": OPT_IN,
    "pending": PENDING,
    "goals": GOALS,
    "blocks": BLOCKS,
    "classes": CLASSES,
    "nudged": RuleBook(tuple(replace(v, nudges=NudgePolicy(NUDGES)) for v in NUDGED.versions)),
    "cool": RuleBook(tuple(map(_cool, EXPERIMENT.versions))),
    "idle": replace(BOOK, horizon_days=35, payment_horizon_days=35, idle_days=IDLE_DAYS),
    **lives.BOOKS,
}


class Change(StrEnum):
    """What a further version does."""

    CAPS = "caps"  # other caps, expiry and offers; each event earns the same
    RATES = "rates"  # every event earns something else, too


def changed(book: RuleBook, change: Change, effective_ms: int) -> RuleBook:
    """The book with one more version."""
    last = book.versions[-1]
    rules = {
        rule.id: replace(rule, pending_days=min(rule.pending_days, EXPIRY_DAYS - 1))
        for rule in last.rules.values()
    }
    rules |= {
        rule.id: replace(rule, caps=Caps(day=25, month=80))
        for rule in rules.values()
        if not rule.first_time
    }
    if change is Change.RATES:
        for rule in (
            EarningRule("spend", Touchpoint.PURCHASE, rate=Rate(Fraction(2)), caps=Caps(day=90)),
            EarningRule("visit", Touchpoint.CHECK_IN, points=4),
            EarningRule("arrive", Touchpoint.LOGIN, points=3, caps=Caps(day=6)),
        ):
            rules[rule.id] = rule
    version = replace(
        last,
        version=last.version + 1,
        effective_ms=effective_ms,
        rules=rules,
        expiry_days=EXPIRY_DAYS,
        offers=tuple(
            replace(block, threshold_points=20, lifetime_ms=4 * DAY) for block in last.offers
        ),
    )
    return replace(book, versions=(*book.versions, version))


def effective(random: Random, complete_ms: int) -> int:
    """When a version takes effect which everybody has by ``complete_ms``: often within a day."""
    first = START + 12 * DAY  # later than the version before it
    soonest = max(first, complete_ms + SKEW_MS + 1)
    midnight = START + ((soonest - START) // DAY + 1) * DAY
    return random.choice([midnight, soonest, soonest + random.randrange(DAY)])


def forged(book: RuleBook) -> RuleBook:
    """The same book with another text for what began first."""
    first, *others = book.versions
    rules = {name: replace(rule, points=rule.points and 9) for name, rule in first.rules.items()}
    return replace(book, versions=(replace(first, rules=rules), *others))
