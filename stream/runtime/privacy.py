"""What is done for people's requests beside the engine: exports, and the sweep after an erasure.

One process does it. A request counts as done when its export is published, or when a sweep which
began after it has ended; until then it comes again after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from schemas.privacy import ERASE_REQUESTED, EXPORT_REQUESTED
from stream.runtime.answering import Request

_log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0
READ_S: Final = 1.0  # how long to wait for a request
REMEMBER_S: Final = 3_600.0  # repeat how far we are, lest Kafka forgets it

_TYPES: Final = (ERASE_REQUESTED, EXPORT_REQUESTED)


class Source(Protocol):
    """Where requests come from (``stream.runtime.inbox``)."""

    async def read(self, wait_s: float) -> list[Any]: ...
    async def positions(self) -> dict[int, int]: ...
    async def done(self, offsets: Mapping[int, int]) -> None: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What is done, by whom it concerns."""

    read: Callable[[Any, Sequence[str]], Awaitable[Request | None]]
    #: Wait until the engine has applied what is before these offsets of the requests' topic.
    reach: Callable[[Mapping[int, int]], Awaitable[None]]
    give: Callable[[Sequence[Request]], Awaitable[None]]  # exports
    sweep: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class PrivacyDesk:
    """Works until it is cancelled. ``clock_s`` only ever goes forward."""

    source: Source
    work: Work
    sweep_every_s: float
    clock_s: Callable[[], float]
    _next: dict[int, int] = field(default_factory=dict)  # offsets, by partition
    _waiting: list[Request] = field(default_factory=list)  # for the next sweep
    _done: dict[int, int] = field(default_factory=dict)  # as Kafka was told
    _told_s: float = 0.0
    _began_s: float = 0.0
    _swept_s: float | None = None

    async def run(self) -> None:
        """Read, work, remember; for ever."""
        await self.open()
        while True:
            await self.step()

    async def open(self) -> None:
        """Begin where the work was last done."""
        self._next = await self.source.positions()
        self._began_s = self._told_s = self.clock_s()

    async def step(self) -> None:
        """Do what has come since, and what the clock asks for."""
        records = await self.source.read(READ_S)
        for record in records:
            self._next[record.partition] = record.offset + 1
        found = [await self.work.read(record, _TYPES) for record in records]
        requests = [request for request in found if request is not None]
        if requests:
            await self.work.reach(_after(requests))
        if exports := [r for r in requests if r.event.type == EXPORT_REQUESTED]:
            await self.work.give(exports)
        self._waiting += [r for r in requests if r.event.type == ERASE_REQUESTED]
        await self._remember()
        if self.clock_s() >= self._due_s():
            await self._sweep()
            await self._remember()

    def _due_s(self) -> float:
        """When to sweep: soon for those who asked, each day for accounts which were idle."""
        if self._swept_s is None:
            return self._began_s + (0.0 if self._waiting else self.sweep_every_s)
        return self._swept_s + (self.sweep_every_s if self._waiting else DAY_S)

    async def _sweep(self) -> None:
        _log.info("Sweeping; %d requests to erase wait for it", len(self._waiting))
        began_s = self.clock_s()
        await self.work.sweep()
        self._swept_s, self._waiting = began_s, []

    async def _remember(self) -> None:
        done = dict(self._next)
        for request in self._waiting:
            done[request.partition] = min(done[request.partition], request.offset)
        now_s = self.clock_s()
        if done != self._done or now_s - self._told_s >= REMEMBER_S:
            await self.source.done(done)
            self._done, self._told_s = done, now_s


def _after(requests: Sequence[Request]) -> dict[int, int]:
    offsets: dict[int, int] = {}
    for request in requests:
        offsets[request.partition] = max(offsets.get(request.partition, 0), request.offset + 1)
    return offsets
