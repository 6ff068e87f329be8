# SPDX-License-Identifier: Apache-2.0
"""Caps: how many points of a day, a week, a month and ever a limit has used up.

A limit is a rule's, a group's or a campaign's, and has its name (``RuleSet.limits``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stream.engine.model.calendar import month_of, week_of
from stream.engine.model.ruleset import Caps, RuleBook
from stream.engine.model.state import ArchivedTotals
from stream.engine.points.kinds.kind import Before


class Used(NamedTuple):
    """Points granted on archived days, by limit: ever, and in the week of the first open day."""

    lifetime: Mapping[str, int]
    in_week: Mapping[str, tuple[int, int]]  # the week, and the points


NOTHING_USED = Used({}, {})


class Limiter:
    """What was granted of one limit so far; days come in their order."""

    __slots__ = ("day", "in_day", "in_month", "in_week", "lifetime", "month", "week")

    def __init__(self, name: str, used: Used) -> None:
        self.lifetime = used.lifetime.get(name, 0)
        self.week, self.in_week = used.in_week.get(name, (-1, 0))
        self.day = self.month = -1
        self.in_day = self.in_month = 0

    def at(self, day: int) -> Before:
        """What there was before, on a day that is not earlier than the last one."""
        if day != self.day:
            self.day, self.in_day = day, 0
            if (week := week_of(day)) != self.week:
                self.week, self.in_week = week, 0
            if (month := month_of(day)) != self.month:  # counted under every version
                self.month, self.in_month = month, 0
        return Before(self.in_day, self.in_week, self.in_month, self.lifetime)

    def use(self, points: int) -> None:
        """Points are granted on the day of the last call of ``at``."""
        self.in_day += points
        self.in_week += points
        self.in_month += points
        self.lifetime += points


def capped(caps: Caps, points: int, before: Before) -> int:
    """What caps leave of the points of a cell."""
    if caps.day is not None:
        points = min(points, max(0, caps.day - before.in_day))
    if caps.week is not None:
        points = min(points, max(0, caps.week - before.in_week))
    if caps.month is not None:
        points = min(points, max(0, caps.month - before.in_month))
    if caps.lifetime is not None:
        points = min(points, max(0, caps.lifetime - before.lifetime))
    return points


def binding(caps: Caps, points: int, before: Before) -> str:
    """Which of the caps leaves the fewest of these points; the shorter one where two leave as many.

    At least one of them must cut.
    """
    left = {
        "day": (caps.day, before.in_day),
        "week": (caps.week, before.in_week),
        "month": (caps.month, before.in_month),
        "lifetime": (caps.lifetime, before.lifetime),
    }
    room = {name: cap - used for name, (cap, used) in left.items() if cap is not None}
    return min(room, key=lambda name: max(0, room[name]))


def used_up(archived: Iterable[ArchivedTotals], book: RuleBook) -> Used:
    """What archived totals have used up of the caps of rules, groups and campaigns."""
    lifetime: dict[str, int] = {}
    in_week: dict[str, tuple[int, int]] = {}
    for totals in archived:
        for name, points in totals.granted.items():
            for limit in _limits(name, book):
                lifetime[limit] = lifetime.get(limit, 0) + points
        for name, weeks in totals.in_week.items():
            for week, points in weeks.items():
                for limit in _limits(name, book):
                    in_week[limit] = week, in_week.get(limit, (week, 0))[1] + points
    return Used(lifetime, in_week)


def _limits(name: str, book: RuleBook) -> list[str]:
    """The limits of a ``measure@version``."""
    measure, _, number = name.rpartition("@")
    for version in book.versions:
        if version.version == int(number):
            return [limit for limit, _ in version.limits(measure)]
    return [measure]
