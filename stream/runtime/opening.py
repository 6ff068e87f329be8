"""Clients of Kafka are opened whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from stream.runtime.refusals import explained
from stream.settings import Settings


@asynccontextmanager
async def opening(settings: Settings, close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Around all that it takes to open a client: what fails closes it.

    Raises ``TopicsUnfit`` with a sentence for what Kafka refuses.
    """
    async with explained(settings, OSError):
        try:
            yield
        except BaseException:
            await close()
            raise
