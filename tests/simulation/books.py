"""The rule books of this world, and how they change while it runs."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from fractions import Fraction

from stream.engine.ruleset import Caps, EarningRule, Rate, RuleBook, RuleSet
from stream.engine.touchpoints import Touchpoint
from tests.support.books import BOOK, DAY, HOUR, OPT_IN, START

COOLDOWN_MS = 30 * HOUR
IDLE_DAYS = 97  # the least which settings allow with these horizons


def _cool(version: RuleSet) -> RuleSet:
    assert version.offers is not None
    return replace(version, offers=replace(version.offers, cooldown_ms=COOLDOWN_MS))


BOOKS: dict[str, RuleBook] = {
    "opt_out": BOOK,
    "opt_in": OPT_IN,
    "cool": RuleBook(tuple(map(_cool, BOOK.versions))),
    "idle": replace(BOOK, horizon_days=35, payment_horizon_days=35, idle_days=IDLE_DAYS),
}


class Change(StrEnum):
    """What a further version does."""

    CAPS = "caps"  # from days ago on, other caps, expiry and offers; each event earns the same
    RATES = "rates"  # from a coming midnight on, every event earns something else


def changed(book: RuleBook, change: Change, effective_ms: int) -> RuleBook:
    """The book with one more version."""
    last = book.versions[-1]
    assert last.offers is not None
    rules = {
        rule.id: replace(rule, caps=Caps(day=25, month=80)) if not rule.first_time else rule
        for rule in last.rules.values()
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
        expiry_days=6,
        offers=replace(last.offers, threshold_points=20, lifetime_ms=4 * DAY),
    )
    return replace(book, versions=(*book.versions, version))


def effective(change: Change, complete_ms: int) -> int:
    """When a version takes effect whose deployment is complete by then (ms): a midnight."""
    first = START + 12 * DAY  # later than the version before it
    if change is Change.CAPS:
        return first
    return max(first, START + ((complete_ms - START) // DAY + 1) * DAY)
