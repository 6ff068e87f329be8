# SPDX-License-Identifier: Apache-2.0
"""Rules with a memory, naively: each is told of every touch, by day, and says what it grants.

A goal starts with nothing; ``met`` takes the day, what the touch is worth, and the number of the
step that it is (0 where there are none).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any


class Milestone:
    """Every nth touch, or every so many fen: what was used for one does not count again."""

    def __init__(self) -> None:
        self.units: list[date] = []

    def met(self, rule: Any, day: date, worth: int, step: int) -> int:
        within: int = rule.setting("within_days") or 100_000
        self.units = [then for then in self.units if (day - then).days < within or within > 9_999]
        self.units += [day if rule.setting("within_days") else date.min] * worth
        of: int = rule.setting("nth") or rule.setting("every_fen")
        times = len(self.units) // of
        self.units = self.units[times * of :]
        return times * int(rule.points)


class Streak:
    """Days, or Mondays, of a run that goes on; those of which there were points are over."""

    def __init__(self) -> None:
        self.run: list[date] = []
        self.over: set[date] = set()

    def met(self, rule: Any, day: date, worth: int, step: int) -> int:
        weekly = rule.setting("streak_weeks")
        if weekly:
            day -= timedelta(days=day.weekday())
        if day in self.over or day in self.run:
            return 0
        first = self.run[0] if self.run else day
        length = (day - first).days // (7 if weekly else 1) + 1
        missed = length - len(self.run) - 1
        self.run = [*self.run, day] if missed <= rule.setting("grace") else [day]
        if len(self.run) < (weekly or rule.setting("streak_days")):
            return 0
        self.over |= {*self.run}
        self.run = []
        return int(rule.points)


class Challenge:
    """The last day of each step done; after the points everything is to do again, from tomorrow."""

    def __init__(self) -> None:
        self.done: dict[int, date] = {}
        self.over: date | None = None

    def met(self, rule: Any, day: date, worth: int, step: int) -> int:
        if day == self.over:
            return 0
        within = rule.setting("within_days") or 100_000
        self.done[step] = day
        open_ = [then for then in self.done.values() if (day - then).days < within]
        if len(open_) < (rule.setting("needed") or len(rule.steps)):
            return 0
        self.done, self.over = {}, day
        return int(rule.points)


_GOALS: dict[str, Callable[[], Any]] = {
    "nth": Milestone, "every_fen": Milestone, "streak_days": Streak, "streak_weeks": Streak
}  # fmt: skip


class Goals:
    """The goals of one rule over all versions; another kind under the same name starts anew."""

    def __init__(self) -> None:
        self.kind: str = ""
        self.goal: Any = None

    @staticmethod
    def kind_of(rule: Any) -> str:
        """Empty for a rule without a memory."""
        return next(filter(rule.setting, _GOALS), "steps" if rule.steps else "")

    def met(self, rule: Any, day: date, met: list[tuple[int, int]]) -> int:
        if self.kind != (kind := self.kind_of(rule)):
            self.kind, self.goal = kind, _GOALS.get(kind, Challenge)()
        return sum(self.goal.met(rule, day, worth, step) for worth, step in met)
