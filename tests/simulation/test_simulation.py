# SPDX-License-Identifier: Apache-2.0
"""A few hundred seeds; ``make simulate`` runs as many as one likes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import pytest

from schemas import CONTRACTS
from tests.simulation.plan import Input, Kind, Theme, plan_of
from tests.simulation.shrink import run, shrink
from tests.simulation.telling import replay_command, tell
from tests.simulation.violation import Check, Violation
from tests.simulation.world import World
from tests.support import events
from tests.support.books import DAY, START

pytestmark = pytest.mark.slow

GROUPS, SEEDS_PER_GROUP = 8, 50


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "stream")  # refused commits are expected


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_seed_breaks_a_promise(group: int) -> None:
    for seed in range(group * SEEDS_PER_GROUP, (group + 1) * SEEDS_PER_GROUP):
        violation, _ = run(plan_of(seed))
        if violation is not None:
            pytest.fail(f"{violation}\n{replay_command(seed)}", pytrace=False)


def test_a_seed_always_runs_the_same_way() -> None:
    first, second = (run(plan_of(7))[1] for _ in range(2))
    assert first.story == second.story
    assert first.log.resolved == second.log.resolved
    assert first.log.outputs == second.log.outputs


def test_the_seeds_cover_every_fault_and_kind_of_event() -> None:
    plans = [plan_of(seed) for seed in range(200)]
    events = {i.event.type if i.event else "poison" for plan in plans for i in plan.inputs}
    assert {fault.kind for plan in plans for fault in plan.faults} == {*Kind}
    assert len(events) == 18
    assert {plan.theme for plan in plans} == {*Theme}
    assert {plan.workers for plan in plans} == {1, 2, 3, 4}
    assert any(not plan.faults for plan in plans)


def test_one_fact_reported_with_two_times_is_forgotten_with_the_earlier() -> None:
    """Nobody was seen since, so that the later word keeps nothing: not even whose openid it is."""
    facts = [
        (START + 2 * DAY, events.resolved(START + DAY - 1, "oLi_-1", "uMei", "wxoa")),
        (START + 3 * DAY, events.resolved(START + DAY // 2, "oLi_-1", "uMei", "wxoa")),
        (START + 105 * DAY, events.page_view(START + 105 * DAY, "oMei-1")),
    ]
    idle = next(plan for plan in map(plan_of, count()) if plan.theme is Theme.IDLE)
    inputs = tuple(
        Input(n, at, CONTRACTS[event.type].topics[0], 0, event)
        for n, (at, event) in enumerate(facts)
    )
    violation, world = run(replace(idle, inputs=inputs, faults=(), rests=frozenset({1})))
    assert violation is None
    assert not [key for key in world.store.every_entity() if "Li_" in key or "uMei" in key]


def test_a_failing_plan_shrinks_to_the_event_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(world: World) -> None:
        if any(i.event and i.event.type == "refund.succeeded.v1" for i in world.published):
            raise Violation(Check.BALANCES, "a refund")

    monkeypatch.setattr("tests.simulation.oracle.check", broken)
    plan = next(
        plan
        for plan in map(plan_of, range(100))
        if any(i.event and i.event.type == "refund.succeeded.v1" for i in plan.inputs)
        and len(plan.inputs) > 10
    )
    violation, _ = run(plan)
    assert violation is not None

    shortest = shrink(plan, violation, budget_s=10)

    assert [i.event.type for i in shortest.inputs if i.event] == ["refund.succeeded.v1"]
    assert shortest.faults == ()
    violation, world = run(shortest)
    assert "refund_id" in tell(shortest, violation, world)


def _worlds(theme: Theme) -> Iterator[World]:
    for plan in islice((p for p in map(plan_of, count()) if p.theme is theme), 50):
        violation, world = run(plan)
        assert violation is None, plan.seed
        yield world


@pytest.mark.parametrize("theme", [Theme.ERASE, Theme.IDLE])
def test_people_are_forgotten_and_some_come_back(theme: Theme) -> None:
    gone, back = 0, 0
    for world in _worlds(theme):
        assert world.people is not None
        gone += len(world.people.gone())
        forgotten = {key for key, floor in world.people.floors.items() if floor.at}
        expected = world.expected()
        members = {who for who, _ in expected.payouts}
        back += len(forgotten & {*expected.balances, *expected.live, *members})
    assert gone > 10
    assert back > 2


def test_a_deployment_finds_accounts_settled_by_the_old_rules() -> None:
    versions = {world.book.versions[-1].version for world in _worlds(Theme.DEPLOY)}
    assert versions == {3}


def test_a_plan_can_lose_its_inputs_and_keep_its_faults() -> None:
    plan = replace(plan_of(3), inputs=plan_of(3).inputs[-2:])
    assert run(plan)[0] is None
