# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest

from stream.worker.group_commit import groups


class FakeStream:
    """Events of ten records, each named by a number, from a queue; ``None`` ends it.

    ``turns`` is how often it yields to others before each, as Faust's does.
    """

    def __init__(self, *events: int | None, turns: int = 0) -> None:
        self.queue: asyncio.Queue[int | None] = asyncio.Queue()
        self.turns = turns
        for event in events:
            self.queue.put_nowait(event)

    def noack(self) -> FakeStream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        while (number := await self.queue.get()) is not None:
            for _ in range(self.turns):
                await asyncio.sleep(0)
            batches = [SimpleNamespace(records=[0] * 4), SimpleNamespace(records=[0] * 6)]
            yield SimpleNamespace(number=number, value=batches)


async def numbers(waiting: AsyncIterator[list[Any]]) -> list[int]:
    return [event.number for event in await anext(waiting)]


@pytest.mark.parametrize("turns", [0, 1, 5])
async def test_everything_that_waits_is_one_group(turns: int) -> None:
    stream = FakeStream(1, 2, 3, turns=turns)
    async with aclosing(groups(stream, 1000)) as waiting:
        assert await numbers(waiting) == [1, 2, 3]
        stream.queue.put_nowait(4)
        assert await numbers(waiting) == [4]


async def test_a_group_has_its_limit_of_records() -> None:
    async with aclosing(groups(FakeStream(1, 2, 3), 15)) as waiting:
        assert [await numbers(waiting) for _ in range(2)] == [[1, 2], [3]]


async def test_one_event_does_not_wait_for_another() -> None:
    async with aclosing(groups(FakeStream(1), 1000)) as waiting, asyncio.timeout(1):
        assert await numbers(waiting) == [1]


async def test_the_end_of_the_stream_is_the_end() -> None:
    found = [group async for group in groups(FakeStream(1, 2, None), 10)]
    assert [event.number for group in found for event in group] == [1, 2]
