# SPDX-License-Identifier: Apache-2.0
"""Group commit: an agent takes all waiting batches, so that one round trip commits them all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final, cast

import faust
from faust.types import EventT

from stream.kafka.record_batches import Batch


class BatchSchema(faust.Schema[Any, Any]):
    """Passes a batch on undecoded: the stages decode records, not Faust one by one."""

    def compile(self, app: Any, **kwargs: Any) -> Any:
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, message.headers, message)

        return decode


def batches_of(event: EventT[Any]) -> list[Batch]:
    """The batches that an event carries: one fetch's records for a stage."""
    return cast(list[Batch], event.value)


def _size(event: EventT[Any]) -> int:
    return sum(len(batch.records) for batch in batches_of(event))


#: Turns of the event loop that Faust needs at most from one event to the next, and some more: its
#: delivery starts two tasks, and its stream yields between any two events.
_TURNS: Final = 12


async def _soon(upcoming: asyncio.Future[Any]) -> bool:
    """Whether an event arrives that is already under way; waits for some 50 µs at most."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if upcoming.done():
            return True
    return False


async def groups(stream: Any, records_max: int) -> AsyncGenerator[list[Any], None]:
    """Lists of events, at least one: all that are available without waiting.

    No further event is taken once there are ``records_max`` records.

    Acknowledge each when it is done. The next event is always requested in advance, so that an
    event that was taken never waits for another one after a rebalance empties the queue.
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
