# SPDX-License-Identifier: Apache-2.0
"""The most points that one consumer can have at once by some versions of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stream.engine.model.ruleset import Caps, EarningRule
from stream.engine.points.kinds import kind_of

#: By cap, the days of the shortest period that it is for.
_PERIODS: Final = {"day": 1, "week": 7, "month": 28}

#: A version's ``expiry_days``, and its rules by id.
Version = tuple[int | None, Mapping[str, EarningRule]]


def most_at_once(versions: Sequence[Version]) -> int | None:
    """No consumer ever has more at once; ``None`` if no limit is known.

    Caps count by the id of a rule over all versions, and points of a version outlive it. A group's
    caps only lower what its rules grant, so they are left out.
    """
    expiries = [expiry for expiry, _ in versions]
    lives = None if None in expiries else max(days + 1 for days in expiries if days is not None)
    once: dict[str, int] = {}
    again: dict[str, list[Caps]] = {}
    for _, rules in versions:
        for id_, rule in rules.items():
            if kind_of(rule).once:
                once[id_] = max(rule.points or 0, once.get(id_, 0))
            else:
                again.setdefault(id_, []).append(rule.caps)
    total = sum(once.values())
    for caps in again.values():
        most = _most_under(caps, lives)
        if most is None:
            return None
        total += most
    return total


def _most_under(caps: Sequence[Caps], lives: int | None) -> int | None:
    """The most that a rule, with these caps by version, grants within the days that points live."""
    limits = [_highest(caps, "lifetime")]
    if lives is not None:
        for name, days in _PERIODS.items():
            highest = _highest(caps, name)
            periods = lives if days == 1 else lives // days + 2  # both ends may be within one
            limits.append(None if highest is None else highest * periods)
    return min((limit for limit in limits if limit is not None), default=None)


def _highest(caps: Sequence[Caps], name: str) -> int | None:
    """The highest cap of that name; ``None`` if a version has none."""
    found = [getattr(one, name) for one in caps]
    return None if None in found else max(found)
