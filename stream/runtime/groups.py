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


def runs_of(event: EventT[Any]) -> list[Run]:
    """The runs which an event carries: what one fetch had for a stage."""
    return cast(list[Run], event.value)


def _size(event: EventT[Any]) -> int:
    return sum(len(run.records) for run in runs_of(event))


#: Turns of the event loop which Faust takes at most, and then some, from one event to the next:
#: its delivery starts two tasks, its stream yields to others between any two events.
_TURNS: Final = 12


async def _soon(upcoming: asyncio.Future[Any]) -> bool:
    """Whether an event comes which is already on its way; waits for some 50 µs at most."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if upcoming.done():
            return True
    return False


async def groups(stream: Any, records_max: int) -> AsyncGenerator[list[Any], None]:
    """Lists of events: all that is there without waiting, at least one.

    No further event is taken once there are ``records_max`` records.

    Acknowledge each when it is done. The next event is always already asked for, so that a
    rebalance which empties the queue can never leave a taken one waiting for company.
    """
    events = aiter(stream.noack().events())
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while True:
            group = [await upcoming]
            upcoming = asyncio.ensure_future(anext(events))
            records = _size(group[0])
            while records < records_max and await _soon(upcoming):
                group.append(upcoming.result())
                records += _size(group[-1])
                upcoming = asyncio.ensure_future(anext(events))
            yield group
    except StopAsyncIteration:
        return
    finally:
        upcoming.cancel()
