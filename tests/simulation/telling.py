# SPDX-License-Identifier: Apache-2.0
"""A plan and what became of it, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas import Event, format_ms
from tests.simulation.plan import Input, Plan
from tests.simulation.violation import Violation
from tests.simulation.world import World
from tests.support.books import DAY, START

_QUIET = {"mchid", "out_trade_no", "out_refund_no", "trade_type", "trade_state", "refund_status"}
_STORY_LINES = 60


def tell(plan: Plan, violation: Violation | None, world: World) -> str:
    """The history, the faults, what happened in the end."""
    return "\n".join([*_plan(plan), *_story(world), "", str(violation or "nothing is broken")])


def replay_command(seed: int) -> str:
    return f"make simulate SEED={seed}    (python -m tests.simulation --seed {seed})"


def _plan(plan: Plan) -> Iterator[str]:
    yield (
        f"{plan.workers} workers with clocks {plan.skews_ms} ms, {plan.partitions} partitions, "
        f"{plan.book}, runs of at most {plan.batch_records_max}, ticks of {plan.tick_limit}, "
        f"stale reads {plan.stale:.0%}, lost replies {plan.lost_replies:.0%}, "
        f"appended twice {plan.twice:.0%}, order of steps {plan.schedule}"
    )
    yield ""
    if plan.deployment is not None:
        deployed = plan.deployment
        yield f"new {deployed.change} from day {_day(deployed.effective_ms)} on, deployed from "
        yield f"#{deployed.after} on, everywhere by #{deployed.until}"
    for input_ in plan.inputs:
        yield f"#{input_.number:<3} day {_day(input_.at)}  {_describe(input_)}"
        for fault in plan.faults:
            if fault.after == input_.number:
                yield f"     and {fault.steps} steps later: {fault.kind} {fault.subject}"
    others = {input_.number for input_ in plan.inputs}
    for fault in plan.faults:
        if fault.after not in others:
            yield f"     fault of #{fault.after}: {fault.kind} {fault.subject}"
    if plan.last_rest_days:
        yield f"     at the end {plan.last_rest_days} days pass"


def _describe(input_: Input) -> str:
    event = input_.event
    if event is None:
        return f"{input_.topic}-{input_.partition}: unreadable"
    return f"{event.type} at day {_day(event.time_ms)} ({event.id}): {_data(event)}"


def _data(event: Event) -> str:
    data: dict[str, Any] = event.data.model_dump(mode="json", exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in data.items() if name not in _QUIET)


def _day(time_ms: int) -> str:
    day, rest = divmod(time_ms - START, DAY)
    return f"{day:2}+{format_ms(rest)[11:23]}"


def _story(world: World) -> Iterator[str]:
    yield ""
    yield "What happened (step, what):"
    yield from world.story[-_STORY_LINES:]
