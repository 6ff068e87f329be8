# SPDX-License-Identifier: Apache-2.0
"""Add one purchase to a consumer's classes, without looking at the others again.

One that comes in order changes what is judged later, and nothing that was judged. One that comes
late may only be added where it changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.classes import BEST, ClassPolicy, Stage, Tiers
from stream.engine.model.ruleset import RuleSet
from stream.engine.model.state import Standing
from stream.engine.points.classes.history import asked_by
from stream.engine.points.classes.tiers import leaving_day
from stream.engine.points.classes.timeline import NEVER, TOLD


def with_purchase(
    standing: Standing, rules: RuleSet | None, time: int, fen: int, as_of: int, seen: int
) -> tuple[Standing, int] | None:
    """The classes with a purchase more, and until when they stay at least (ms).

    ``time`` is not before they began; ``seen``: the time of the latest fact. ``None``: all
    purchases must be looked at.
    """
    policy = rules.classes if rules else None
    if rules is None or policy is None:
        return standing, NEVER
    day = day_of(time)
    number, stage, rfm = standing.ever + 1, "", ""
    spent = standing.spent + fen if policy.tiers else 0
    in_window = paid = 0
    if policy.lifecycle is not None:
        stage = Stage.NEW.value if number == 1 else Stage.ACTIVE.value
    if policy.rfm is not None:
        in_window, paid = standing.number + 1, standing.fen + fen
        frequency = 1 + bisect_right(policy.rfm.f, in_window)
        rfm = f"{BEST}{frequency}{1 + bisect_right(policy.rfm.m, paid)}"
    now = policy.classes(_level(policy.tiers, standing.tier, spent), stage, rfm)
    windows = _windows(policy, day)
    after = msgspec.structs.replace(
        standing,
        ever=min(2, number),
        spent=spent,
        number=in_window,
        fen=paid,
        leaves=min(standing.leaves, *windows, NEVER),
    )
    was = standing.classes
    if now == was:
        return after, NEVER
    stays = min([after.leaves, *_fresh(policy, day, number)])
    if time < seen or as_of >= stays:
        return None
    after.tier, after.lifecycle, after.rfm = now["tier"], now["lifecycle"], now["rfm"]
    after.tags = list(now["tags"])
    known = zip(TOLD, standing.since, strict=True)
    after.since = [time if now[key] != was[key] else since for key, since in known]
    after.begins = time + 1
    if rules.judged and asked_by(rules.judged, now) != asked_by(rules.judged, was):
        after.cell = time + 1
    return after, stays


def _level(tiers: Tiers | None, held: str, spent: int) -> int:
    """The level that is held or reached, counted from 1."""
    if tiers is None:
        return 0
    reached = bisect_right(tiers.borders, spent)
    return max(reached, tiers.place(held))


def _windows(policy: ClassPolicy, day: int) -> list[int]:
    """When a purchase of a day leaves the windows, ms."""
    days = []
    if policy.tiers is not None:
        days.append(leaving_day(day, policy.tiers))
    if policy.rfm is not None:
        days.append(day + policy.rfm.window_days)
    return [start_of(day) for day in days]


def _fresh(policy: ClassPolicy, day: int, number: int) -> list[int]:
    """Until when a purchase of a day is the newest there is for stage and scores, ms."""
    days = []
    if policy.lifecycle is not None:
        lifecycle = policy.lifecycle
        days.append(day + (lifecycle.new_days if number == 1 else lifecycle.active_days))
    if policy.rfm is not None:
        days.append(day + policy.rfm.r[0])
    return [start_of(day) for day in days]
