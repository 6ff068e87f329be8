"""Group commit: an agent takes everything that waits for it, and pays one round trip for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final, cast

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


#: Turns of the event loop which Faust takes at most, and then some, from one run of a fetch to the
#: next: its delivery starts two tasks, its stream yields to others between any two events.
_TURNS: Final = 12


async def _soon(upcoming: asyncio.Future[Any]) -> bool:
    """Whether an event comes which is already on its way; waits for some 50 µs at most."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if upcoming.done():
            return True
    return False


async def groups(stream: Any, runs_max: int, records_max: int) -> AsyncGenerator[list[Any], None]:
    """Lists of events: all that is there without waiting, at least one, at most ``runs_max``.

    No further run is taken once there are ``records_max`` records.

    Acknowledge each when it is done. The next event is always already asked for, so that a
    rebalance which empties the queue can never leave a taken run waiting for company.
    """
    events = aiter(stream.noack().events())
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while True:
            group = [await upcoming]
            upcoming = asyncio.ensure_future(anext(events))
            records = len(run_of(group[0]).records)
            while records < records_max and len(group) < runs_max and await _soon(upcoming):
                group.append(upcoming.result())
                records += len(run_of(group[-1]).records)
                upcoming = asyncio.ensure_future(anext(events))
            yield group
    except StopAsyncIteration:
        return
    finally:
        upcoming.cancel()
