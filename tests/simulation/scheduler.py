# SPDX-License-Identifier: Apache-2.0
"""Coroutines which are moved on one step at a time, in an order that a seed decides.

There is no event loop: a coroutine stops where it awaits :func:`pause` or :func:`until`, and at
futures (a lock which another holds). Nothing else may be awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import coroutine
from typing import Any


@contextmanager
def running() -> Iterator[None]:
    """Within it, coroutines may be stepped."""
    loop = asyncio.BaseEventLoop()  # it never runs: a lock wants futures of it, no more
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)
        loop.close()


@coroutine
def until(ready: Callable[[], bool]) -> Generator[Any, None, None]:
    """Wait for a condition; always gives others a chance first."""
    yield ready


def _at_once() -> bool:
    return True


async def pause() -> None:
    """A point at which anything may happen before it goes on."""
    await until(_at_once)


@dataclass(eq=False, slots=True)
class Task:
    """A coroutine on its way. ``weight``: how often it is chosen, compared with others."""

    name: str
    body: Coroutine[Any, Any, None]
    ready: Callable[[], bool] = _at_once

    def step(self) -> bool:
        """Go on to the next stop; whether it ended. Raises what the coroutine raises."""
        try:
            stop = self.body.send(None)
        except StopIteration:
            return True
        self.ready = stop.done if isinstance(stop, asyncio.Future) else stop
        return False

    def kill(self) -> None:
        """End it where it stands, as the end of its process does."""
        self.body.close()
