"""The most points that one consumer can have at once by some versions of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream.engine.model.ruleset import EarningRule
from stream.engine.points.kinds import kind_of

_DAYS_OF_A_MONTH_MIN = 28

#: A version's ``expiry_days``, and its rules by id.
Version = tuple[int | None, Mapping[str, EarningRule]]


def most_at_once(versions: Sequence[Version]) -> int | None:
    """No consumer ever has more at once; ``None`` if there is no limit.

    Caps count by the id of a rule over all versions, and points of a version outlive it.
    """
    expiries = [expiry for expiry, _ in versions]
    lives = None if None in expiries else max(days + 1 for days in expiries if days is not None)
    once: dict[str, int] = {}
    again: dict[str, int] = {}
    for _, rules in versions:
        for id_, rule in rules.items():
            most = _most_of(rule, lives)
            if most is None:
                return None
            kept = once if kind_of(rule).once else again
            kept[id_] = max(most, kept.get(id_, 0))
    return sum(once.values()) + sum(again.values())


def _most_of(rule: EarningRule, lives: int | None) -> int | None:
    """The most that a rule grants within the days that points live."""
    if kind_of(rule).once:
        return rule.points or 0
    caps = rule.caps
    limits = [caps.lifetime]
    if lives is not None:
        limits.append(None if caps.day is None else caps.day * lives)
        months = lives // _DAYS_OF_A_MONTH_MIN + 2  # both ends may be within a month
        limits.append(None if caps.month is None else caps.month * months)
    return min((limit for limit in limits if limit is not None), default=None)
