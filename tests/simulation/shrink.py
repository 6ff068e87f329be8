# SPDX-License-Identifier: Apache-2.0
"""From a failing plan to a short one that fails at the same check: drop whatever can go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.simulation.plan import Plan
from tests.simulation.violation import Violation
from tests.simulation.world import World

_T = TypeVar("_T")
_SCHEDULES = 3  # orders of steps tried for each shorter plan


def run(plan: Plan) -> tuple[Violation | None, World]:
    """Carry out a plan; what was broken, if anything."""
    world = World(plan)
    try:
        world.run()
    except Violation as violation:
        return violation, world
    return None, world


def shrink(plan: Plan, violation: Violation, budget_s: float = 60.0) -> Plan:
    """The shortest plan found within ``budget_s`` seconds of real time."""
    end_s = time.monotonic() + budget_s
    shortest, progress = [plan], True
    while progress:
        progress = False
        for shorter in _shorter(lambda: shortest[-1]):
            if time.monotonic() > end_s:
                return shortest[-1]
            failing = _failing(shorter, violation)
            if failing is not None:
                shortest.append(failing)
                progress = True
    return shortest[-1]


def _failing(plan: Plan, violation: Violation) -> Plan | None:
    for more in range(_SCHEDULES):
        tried = replace(plan, schedule=plan.schedule + more)
        found, _ = run(tried)
        if found is not None and found.check == violation.check:
            return tried
    return None


def _shorter(current: Callable[[], Plan]) -> Iterator[Plan]:
    """Candidates, each made of the shortest plan at that moment."""
    for size in (16, 8, 4, 2, 1):
        start = 0
        while start < len(current().inputs):
            before = current()
            yield replace(before, inputs=_without(before.inputs, start, size))
            start += size if current() is before else 0
    start = 0
    while start < len(current().faults):
        before = current()
        yield replace(before, faults=_without(before.faults, start, 1))
        start += 1 if current() is before else 0
    yield replace(current(), rests=frozenset())
    yield replace(current(), last_rest_days=0)
    yield replace(current(), again=False)
    yield replace(current(), hasty=False)
    yield replace(current(), stale=0.0)
    yield replace(current(), lost_replies=0.0)
    yield replace(current(), twice=0.0)
    yield replace(current(), pace=0.02)
    yield replace(current(), skews_ms=(0,) * current().workers)
    yield replace(current(), book="opt_out")
    yield replace(current(), partitions=1)
    for workers in range(1, current().workers):
        yield replace(current(), skews_ms=current().skews_ms[:workers])


def _without(items: Sequence[_T], start: int, size: int) -> tuple[_T, ...]:
    return (*items[:start], *items[start + size :])
