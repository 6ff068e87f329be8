# SPDX-License-Identifier: Apache-2.0
"""Handle privacy requests outside the engine: publish exports, and sweep after erasures.

One process does it. A request is done when its export is published, or when a sweep that began
after it has ended; until then it is repeated after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from schemas.privacy import ERASE_REQUESTED, EXPORT_REQUESTED
from stream.privacy.export_requests import Request

_log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0
READ_S: Final = 1.0  # how long to wait for a request
REMEMBER_S: Final = 3_600.0  # commit again, since Kafka forgets old commits

_TYPES: Final = (ERASE_REQUESTED, EXPORT_REQUESTED)


class Source(Protocol):
    """Where requests are read (``stream.privacy.inbox``)."""

    async def read(self, wait_s: float) -> list[Any]: ...
    async def positions(self) -> dict[int, int]: ...
    async def done(self, offsets: Mapping[int, int]) -> None: ...


@dataclass(frozen=True, slots=True)
class Work:
    """The parts of the work."""

    read: Callable[[Any, Sequence[str]], Awaitable[Request | None]]
    #: Waits until the engine has applied all before these offsets of the requests' topic.
    reach: Callable[[Mapping[int, int]], Awaitable[None]]
    give: Callable[[Sequence[Request]], Awaitable[None]]  # publishes exports
    sweep: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class PrivacyService:
    """Works until it is cancelled. ``clock_s`` only ever goes forward."""

    source: Source
    work: Work
    sweep_every_s: float
    clock_s: Callable[[], float]
    _next: dict[int, int] = field(default_factory=dict)  # offsets, by partition
    _waiting: list[Request] = field(default_factory=list)  # for the next sweep
    _done: dict[int, int] = field(default_factory=dict)  # as committed
    _told_s: float = 0.0
    _began_s: float = 0.0
    _swept_s: float | None = None

    async def run(self) -> None:
        """Read requests, work, commit; for ever."""
        await self.open()
        while True:
            await self.step()

    async def open(self) -> None:
        """Begin after the requests that are done."""
        self._next = await self.source.positions()
        self._began_s = self._told_s = self.clock_s()

    async def step(self) -> None:
        """Handle new requests, and sweep if it is time."""
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
        """When to sweep: soon after a request, and each day for idle accounts."""
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
