# SPDX-License-Identifier: Apache-2.0
"""Levels, stages, scores and tags, naively: day by day from the first purchase, each time anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from stream.engine.model.calendar import day_of, start_of

#: Time (ms) and fen, net.
Bought = list[tuple[int, int]]


def classes(bought: Bought, policy: Any, now: int) -> dict[str, Any]:
    """Of somebody who has bought this, and nothing later, as of ``now`` (ms)."""
    bought = sorted(bought)
    found = {
        "tier": _tier(bought, policy.tiers, now) if policy.tiers else "",
        "lifecycle": _stage(bought, policy.lifecycle, now) if policy.lifecycle else "",
        "rfm": _rfm(bought, policy.rfm, now) if policy.rfm else "",
    }
    tags = [tag.id for tag in policy.tags if passes(tag.who, found)]
    return {**found, "tags": tuple(sorted(tags))}


def before(bought: Bought, time: int) -> Bought:
    """What was bought earlier."""
    return [one for one in bought if one[0] < time]


def passes(who: Any, classes: dict[str, Any]) -> bool:
    for test in who:
        if test.key in ("r", "f", "m"):
            values = [classes["rfm"]["rfm".index(test.key)]] if classes["rfm"] else [""]
        else:
            values = classes["tags"] if test.key == "tags" else [classes[test.key]]
        if any(value in test.values for value in values) == test.negated:
            return False
    return True


def _tier(bought: Bought, tiers: Any, now: int) -> str:
    spent: list[tuple[int, int]] = []  # from when on the spend reaches which level
    level, below = 0, None
    keeps = tiers.hold_days + tiers.grace_days
    for day in range(day_of(bought[0][0]) if bought else day_of(now) + 1, day_of(now) + 1):
        earlier = [one for one in bought if day_of(one[0]) < day]
        today = [one for one in bought if day_of(one[0]) == day]
        reach = _reach(earlier, tiers, day)
        spent.append((start_of(day), reach))
        if reach >= level:
            below = None
        elif below is None:
            below = day
        while below is not None and day >= below + keeps:
            if tiers.downgrade == "one_down":
                level -= 1
                below = day if reach < level else None
                continue
            since = start_of(day - tiers.hold_days)
            level = max(
                [reach for at, reach in spent if at > since]
                + [reach for at, reach in spent if at <= since][-1:]
            )
            below = None
            for at, reached in spent:
                below = None if reached >= level else below or day_of(at)
        for number in range(len(today)):
            reach = _reach(earlier + today[: number + 1], tiers, day)
            spent.append((today[number][0], reach))
            if reach >= level:
                level, below = reach, None
    return tiers.levels[level - 1].id if level else ""


def _reach(bought: Bought, tiers: Any, day: int) -> int:
    def counts(time: int) -> bool:
        if tiers.window_days:
            return bool(day - day_of(time) < tiers.window_days)
        return _date(day_of(time)).year == _date(day).year

    total = sum(fen for time, fen in bought if counts(time))
    return sum(level.from_fen <= total for level in tiers.levels)


def _date(day: int) -> date:
    return (datetime(1970, 1, 1) + timedelta(days=day)).date()


def _stage(bought: Bought, lifecycle: Any, now: int) -> str:
    if not bought:
        return "prospect"
    age = day_of(now) - day_of(bought[-1][0])
    if len(bought) == 1 and age < lifecycle.new_days:
        return "new"
    for stage in ("silent", "lapsed"):
        if age < getattr(lifecycle, f"{stage}_days"):
            return "active" if age < lifecycle.active_days else _BEFORE[stage]
    return "lapsed"


_BEFORE = {"silent": "cooling", "lapsed": "silent"}


def _rfm(bought: Bought, rfm: Any, now: int) -> str:
    ages = [day_of(now) - day_of(time) for time, _ in bought]
    within = [
        (age, fen) for age, (_, fen) in zip(ages, bought, strict=True) if age < rfm.window_days
    ]
    if not within:
        return ""
    recency = 5 - sum(border <= within[-1][0] for border in rfm.r)
    frequency = 1 + sum(border <= len(within) for border in rfm.f)
    money = 1 + sum(border <= sum(fen for _, fen in within) for border in rfm.m)
    return f"{recency}{frequency}{money}"
