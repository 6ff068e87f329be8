# SPDX-License-Identifier: Apache-2.0
"""What a consumer's classes are at each instant, by the definitions of one version of the rules.

It judges the whole past by what it defines itself, so levels exist from its first day on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from stream.engine.model.calendar import start_of
from stream.engine.model.classes import Classes, ClassPolicy, Stage
from stream.engine.model.state import Standing
from stream.engine.points.classes.bought import FEN, Day
from stream.engine.points.classes.changes import Change
from stream.engine.points.classes.lifecycle import stages
from stream.engine.points.classes.rfm import scores
from stream.engine.points.classes.tiers import leaving, levels

#: Earlier than anything.
EVER: Final = -(2**62)
#: Later than anything.
NEVER: Final = 2**62
#: The classes of which it is told since when they are, in this order.
TOLD: Final = ("tier", "lifecycle", "rfm", "tags")
_BY_CUT: Final = itemgetter(0, 1)


class Timeline:
    """The classes by one version's definitions; the first are those of who has bought nothing."""

    def __init__(self, days: Sequence[Day], policy: ClassPolicy) -> None:
        self.days, self.policy = days, policy
        self.cuts: list[int] = [EVER]  # from which on an event is judged by them
        self.instants: list[int] = [EVER]
        stage = Stage.PROSPECT.value if policy.lifecycle else ""
        now: list[Any] = [0, stage, "", "1", "1"]
        self.classes: list[Classes] = [policy.classes(0, stage, "")]
        for cut, instant, value, place in sorted(self._changes(), key=_BY_CUT):
            now[place] = value
            level, stage, recency, frequency, money = now
            rfm = f"{recency}{frequency}{money}" if recency else ""
            classes = policy.classes(level, stage, rfm)
            if cut == self.cuts[-1] and instant == self.instants[-1]:
                self.classes[-1] = classes
            else:
                self.cuts.append(cut)
                self.instants.append(instant)
                self.classes.append(classes)

    def _changes(self) -> list[tuple[int, int, Any, int]]:
        policy, days = self.policy, self.days
        parts: list[list[Change]] = [[], [], [], [], []]
        if policy.tiers is not None:
            parts[0] = levels(days, policy.tiers)
        if policy.lifecycle is not None:
            parts[1] = stages(days, policy.lifecycle)
        if policy.rfm is not None:
            parts[2:] = scores(days, policy.rfm)
        return [(*change, place) for place, part in enumerate(parts) for change in part]

    def judging(self, time: int) -> Classes:
        """Those by which an event at ``time`` (ms) is judged."""
        return self.classes[bisect_right(self.cuts, time) - 1]

    def spent(self, until: int) -> int:
        """The net spend (fen) which counts for a tier at an instant."""
        tiers = self.policy.tiers
        if tiers is None:
            return 0
        purchases = (
            here.purchases
            for here, leaves in zip(self.days, leaving(self.days, tiers), strict=True)
            if start_of(leaves) > until
        )
        return sum([p[FEN] for p in chain.from_iterable(purchases) if p[0] <= until])

    def standing(self, as_of: int, effective_ms: int) -> Standing:
        """The classes at ``as_of`` (ms), and what may be added to them."""
        place = bisect_right(self.instants, as_of) - 1
        now, since = self.classes[place], []
        for key in TOLD:
            first = place
            while first and self.classes[first - 1][key] == now[key]:
                first -= 1
            since.append(max(0, self.instants[first]))
        standing = Standing(
            **{key: now[key] for key in ("tier", "lifecycle", "rfm")},
            tags=list(now["tags"]),
            since=since,
            begins=max(self.cuts[place], effective_ms),
            ever=min(2, sum([here.number for here in self.days])),
        )
        self._sum(standing, as_of)
        return standing

    def next_change(self, as_of: int) -> int | None:
        """When time alone changes them, ms."""
        place = bisect_right(self.instants, as_of)
        return self.instants[place] if place < len(self.instants) else None

    def _sum(self, standing: Standing, as_of: int) -> None:
        """Add what is in the windows, or was since ``begins``, and until when that stays true."""
        policy, leaves = self.policy, [NEVER]
        if policy.tiers is not None:
            within = self._within(leaving(self.days, policy.tiers), standing.begins, leaves)
            standing.spent = sum([here.fen for here in within])
        if policy.rfm is not None:
            days = [here.day + policy.rfm.window_days for here in self.days]
            within = self._within(days, standing.begins, leaves)
            standing.number = sum([here.number for here in within])
            standing.fen = sum([here.fen for here in within])
        ahead = bool(self.days) and self.days[-1].purchases[-1][0] > as_of
        standing.leaves = EVER if ahead else min(leaves)

    def _within(self, leaving: list[int], begins: int, leaves: list[int]) -> list[Day]:
        places = [place for place, day in enumerate(leaving) if start_of(day) > begins]
        leaves += [start_of(leaving[place]) for place in places[:1]]
        return [self.days[place] for place in places]
