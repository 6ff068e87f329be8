"""Where planned questions are asked: in their time, published, and only then called done."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from stream.resolver.answers import records_of
from stream.resolver.api import CALL_S
from stream.resolver.asking import Asker
from stream.resolver.asks import Ask
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.outcomes import Call, Ended, Outcome
from stream.resolver.planner import Planner
from stream.resolver.replies import Verdict
from stream.resolver.standing import Standing, Standings
from stream.runtime.runs import Publish
from stream.settings import Settings

_LOOK_S: Final = 1.0  # a look at the clock at least so often
_DECIDED: Final = {Standing.BOUND: Outcome.KNOWN, Standing.ERASED: Outcome.ERASED}


@dataclass(frozen=True, slots=True)
class Tools:
    """What questions are asked with."""

    planner: Planner
    asker: Asker
    standings: Standings
    publish: Publish
    metrics: ResolverMetrics
    now_ms: Callable[[], int]


class Desk:
    """Takes questions, and tells ``on_end`` of each of them once."""

    def __init__(self, settings: Settings, tools: Tools, on_end: Callable[[Ended], None]) -> None:
        self._settings, self._tools, self._on_end = settings, tools, on_end
        self._calls: set[asyncio.Task[None]] = set()
        self._news, self._moved = asyncio.Event(), asyncio.Event()
        self.refused: Verdict | None = None  # quota or app, once WeChat has said so

    async def take(self, asks: Iterable[tuple[Ask, Hashable]]) -> None:
        """Plan what has to be asked; who is bound or was erased need not be."""
        wanted = list(asks)
        standings = await self._tools.standings.of([ask for ask, _ in wanted])
        now_ms = self._tools.now_ms()
        for ask, tag in wanted:
            if decided := _DECIDED.get(standings[ask]):
                self.end([Ended(ask, decided, tag)])
            elif ended := self._tools.planner.add(ask, tag, now_ms):
                self.end([ended])
        self._news.set()

    def end(self, ended: Iterable[Ended]) -> None:
        """Questions which are done with."""
        now_ms = self._tools.now_ms()
        for one in ended:
            self._tools.metrics.count(one, now_ms)
            self._on_end(one)
        self._moved.set()

    async def below(self, waiting: int) -> None:
        """Until no more than so many wait, or WeChat answers no more."""
        while len(self._tools.planner) > waiting and self.refused is None:
            self._moved.clear()
            await self._moved.wait()

    async def ask_on(self, group: asyncio.TaskGroup) -> None:
        """Ask what is planned, as tasks of the group, until cancelled."""
        planner, most = self._tools.planner, self._settings.resolver_calls_at_once
        while True:
            self._news.clear()
            now_ms = self._tools.now_ms()
            self.end(planner.expired(now_ms))
            for call in planner.take(now_ms, most - len(self._calls)):
                task = group.create_task(self._call(call))
                self._calls.add(task)
                task.add_done_callback(self._called)
            self._tools.metrics.waiting.set(len(planner))
            await self._something(None if len(self._calls) >= most else planner.next_ms(now_ms))

    async def _something(self, planned_ms: int | None) -> None:
        """Wait for news, or for the time at which something is planned."""
        wait_s = _LOOK_S
        if planned_ms is not None:
            wait_s = min(_LOOK_S, max(0.001, (planned_ms - self._tools.now_ms()) / 1000))
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _call(self, planned: Call) -> None:
        now_ms = self._tools.now_ms
        call = await self._still_open(planned)
        if call is None:
            return
        asked_ms = now_ms()
        within_s = min(CALL_S, max(0.1, (call.by_ms - asked_ms) / 1000))
        reply, unionids, calls = await self._tools.asker.ask(call, within_s)
        records = records_of(self._settings, call.api, call.asks, unionids, asked_ms)
        await self._tools.publish(records)
        if reply.verdict in (Verdict.QUOTA, Verdict.APP_REFUSED):
            self.refused = reply.verdict
        planner = self._tools.planner
        planner.spent(call.api, call.appid, calls, now_ms())
        self.end(planner.answered(call, reply.verdict, unionids, now_ms(), random.random()))

    async def _still_open(self, call: Call) -> Call | None:
        """What of a call is still a question: some asks have waited for a day."""
        standings = await self._tools.standings.of(call.asks)
        decided = {
            ask: _DECIDED[standing] for ask, standing in standings.items() if standing in _DECIDED
        }
        if not decided:
            return call
        self.end(self._tools.planner.settle(decided, self._tools.now_ms()))
        rest = tuple(ask for ask in call.asks if ask not in decided)
        return replace(call, asks=rest) if rest else None

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._news.set()
