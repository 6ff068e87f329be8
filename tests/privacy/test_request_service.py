# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import Event
from schemas.privacy import ERASE_REQUESTED, EXPORT_REQUESTED, EraseRequested, ExportRequested
from stream.privacy.export_requests import Request
from stream.privacy.request_service import DAY_S, REMEMBER_S, PrivacyService, Work

HOUR_S = 3_600.0
CONSUMER = "union.abc.u1"


@dataclass
class Incoming:
    partition: int
    offset: int
    kind: str


def erase(offset: int, partition: int = 0) -> Incoming:
    return Incoming(partition, offset, ERASE_REQUESTED)


def export(offset: int, partition: int = 0) -> Incoming:
    return Incoming(partition, offset, EXPORT_REQUESTED)


def other(offset: int, partition: int = 0) -> Incoming:
    return Incoming(partition, offset, "consent.granted.v1")


@dataclass
class World:
    """A topic of two partitions, and a diary of what was done."""

    now_s: float = 1_000.0
    waiting: list[Incoming] = field(default_factory=list)
    remembered: list[dict[int, int]] = field(default_factory=list)
    diary: list[Any] = field(default_factory=list)
    broken: bool = False

    # the source
    async def read(self, wait_s: float) -> list[Any]:
        found, self.waiting = self.waiting, []
        return found

    async def positions(self) -> dict[int, int]:
        return {0: 0, 1: 0}

    async def done(self, offsets: Mapping[int, int]) -> None:
        self.remembered.append(dict(offsets))

    # the work
    async def understand(self, record: Any, types: Sequence[str]) -> Request | None:
        if record.kind not in types:
            return None
        model = ExportRequested if record.kind == EXPORT_REQUESTED else EraseRequested
        when = datetime(2026, 3, 1, tzinfo=UTC)
        event = Event("r", "urn:test", record.kind, when, 0, model(consumer_id=CONSUMER))
        return Request(event, (CONSUMER,), record.partition, record.offset)

    async def reach(self, offsets: Mapping[int, int]) -> None:
        self.diary.append(("reach", dict(offsets)))

    async def give(self, requests: Sequence[Request]) -> None:
        self.diary.append(("give", [r.offset for r in requests]))

    async def sweep(self) -> None:
        if self.broken:
            raise RuntimeError("killed")
        self.diary.append(("sweep", self.now_s))

    @property
    def sweeps(self) -> list[float]:
        return [entry[1] for entry in self.diary if entry[0] == "sweep"]


async def opened(world: World) -> PrivacyService:
    work = Work(world.understand, world.reach, world.give, world.sweep)
    desk = PrivacyService(world, work, HOUR_S, lambda: world.now_s)
    await desk.open()
    return desk


async def step(
    desk: PrivacyService, world: World, *incoming: Incoming, after_s: float = 1.0
) -> None:
    world.waiting, world.now_s = list(incoming), world.now_s + after_s
    await desk.step()


async def test_an_export_is_given_once_the_engine_is_past_its_request() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world, other(0), export(1), other(2), export(0, partition=1))
    assert world.diary == [("reach", {0: 2, 1: 1}), ("give", [1, 0])]
    assert world.remembered == [{0: 3, 1: 1}]


async def test_other_events_are_passed_over() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world, other(0), other(1))
    assert (world.diary, world.remembered) == ([], [{0: 2, 1: 0}])


async def test_one_sweep_serves_all_who_asked_within_the_hour() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world, erase(0))
    assert world.sweeps == [1_001.0]
    for offset in (1, 2):
        await step(desk, world, erase(offset), after_s=60)
    assert world.sweeps == [1_001.0]
    await step(desk, world, after_s=HOUR_S)
    assert world.sweeps == [1_001.0, 1_001.0 + 120 + HOUR_S]


async def test_a_request_to_erase_is_done_when_it_is_swept() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world, erase(0))
    await step(desk, world, other(1), erase(2), export(3), other(0, partition=1))
    assert world.remembered == [{0: 0, 1: 0}, {0: 1, 1: 0}, {0: 2, 1: 1}]
    await step(desk, world, after_s=HOUR_S)
    assert world.remembered[-1] == {0: 4, 1: 1}


async def test_a_sweep_that_fails_leaves_its_request_undone_but_not_the_exports() -> None:
    world = World(broken=True)
    desk = await opened(world)
    with pytest.raises(RuntimeError, match="killed"):
        await step(desk, world, export(0), erase(1), export(0, partition=1))
    assert world.remembered == [{0: 1, 1: 1}]


async def test_idle_accounts_are_swept_each_day_and_first_after_an_hour() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world)
    assert world.sweeps == []
    await step(desk, world, after_s=HOUR_S)
    await step(desk, world, after_s=DAY_S - 1)
    await step(desk, world, after_s=1)
    assert len(world.sweeps) == 2
    assert world.sweeps[1] - world.sweeps[0] == DAY_S


async def test_how_far_it_is_is_repeated_lest_it_be_forgotten() -> None:
    world = World()
    desk = await opened(world)
    await step(desk, world, export(0))
    await step(desk, world)
    assert len(world.remembered) == 1
    await step(desk, world, after_s=REMEMBER_S)
    assert world.remembered == [{0: 1, 1: 0}] * 2
