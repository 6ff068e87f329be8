"""Group commit: an agent takes everything that waits for it, and pays one round trip for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import faust
from faust.types import EventT

from stream.runtime.runs import Run


class RunSchema(faust.Schema[Any, Any]):
    """Hands a run on as it is: records are decoded by the stages, not one by one by Faust."""

    def compile(self, app: Any, **kwargs: Any) -> Any:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode


def run_of(event: EventT[Any]) -> Run:
    """The run which an event carries."""
    return cast(Run, event.value)


async def groups(stream: Any, runs_max: int) -> AsyncGenerator[list[Any], None]:
    """Lists of events: all that is there without waiting, at least one, at most ``runs_max``.

    Acknowledge each when it is done. The next event is always already asked for, so that a
    rebalance which empties the queue can never leave a taken run waiting for company.
    """
    events = aiter(stream.noack().events())
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while True:
            group = [await upcoming]
            upcoming = asyncio.ensure_future(anext(events))
            while len(group) < runs_max:
                await asyncio.sleep(0)
                if not upcoming.done():
                    break
                group.append(upcoming.result())
                upcoming = asyncio.ensure_future(anext(events))
            yield group
    except StopAsyncIteration:
        return
    finally:
        upcoming.cancel()
