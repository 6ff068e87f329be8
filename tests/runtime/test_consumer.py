"""The consumer's way to the thread in which aiokafka runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace

import pytest
from faust.types import TP

from stream.runtime.consumer import RunConsumer

OFFSETS = {TP("shadow.resolved", 0): 7}


def consumer_with(
    commit: Callable[[Mapping[TP, int]], Awaitable[bool]],
) -> tuple[RunConsumer, asyncio.Event]:
    """A consumer with nothing but a thread, and the event which says that the thread has ended."""
    ended = asyncio.Event()
    consumer = RunConsumer.__new__(RunConsumer)
    consumer.__dict__["_thread"] = SimpleNamespace(commit=commit, _shutdown=ended)
    return consumer, ended


async def never(offsets: Mapping[TP, int]) -> bool:
    await asyncio.Event().wait()
    return True


async def test_offsets_are_committed() -> None:
    seen = []

    async def commit(offsets: Mapping[TP, int]) -> bool:
        seen.append(offsets)
        return True

    consumer, ended = consumer_with(commit)
    assert await consumer._commit(OFFSETS)
    ended.set()
    assert not await consumer._commit(OFFSETS)
    assert seen == [OFFSETS]


async def test_a_thread_which_ends_meanwhile_is_not_waited_for() -> None:
    consumer, ended = consumer_with(never)
    committing = asyncio.create_task(consumer._commit(OFFSETS))
    await asyncio.sleep(0)
    ended.set()
    assert not await asyncio.wait_for(committing, 1)


async def test_a_failed_commit_is_told() -> None:
    async def commit(offsets: Mapping[TP, int]) -> bool:
        raise ConnectionError

    consumer, _ = consumer_with(commit)
    with pytest.raises(ConnectionError):
        await consumer._commit(OFFSETS)
