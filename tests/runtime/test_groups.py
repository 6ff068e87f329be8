from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from stream.runtime.groups import groups


class FakeStream:
    """Events from a queue; ``None`` ends it."""

    def __init__(self, *events: Any) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        for event in events:
            self.queue.put_nowait(event)

    def noack(self) -> FakeStream:
        return self

    async def events(self) -> AsyncIterator[Any]:
        while (event := await self.queue.get()) is not None:
            yield event


async def test_everything_that_waits_is_one_group() -> None:
    stream = FakeStream(1, 2, 3)
    async with aclosing(groups(stream, 10)) as waiting:
        assert await anext(waiting) == [1, 2, 3]

        stream.queue.put_nowait(4)
        assert await anext(waiting) == [4]


async def test_a_group_has_its_limit() -> None:
    async with aclosing(groups(FakeStream(1, 2, 3, 4, 5), 2)) as waiting:
        assert [await anext(waiting) for _ in range(3)] == [[1, 2], [3, 4], [5]]


async def test_one_event_does_not_wait_for_another() -> None:
    async with aclosing(groups(FakeStream(1), 10)) as waiting, asyncio.timeout(1):
        assert await anext(waiting) == [1]


async def test_the_end_of_the_stream_is_the_end() -> None:
    assert [group async for group in groups(FakeStream(1, 2, None), 1)] == [[1], [2]]
