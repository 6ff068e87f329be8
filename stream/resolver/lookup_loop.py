# SPDX-License-Identifier: Apache-2.0
"""Worker loop: make planned lookups when due, publish the results, then mark them finished."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from stream.config.settings import Settings
from stream.kafka.record_batches import Publish
from stream.resolver.answers import Answers
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Verdict
from stream.resolver.bind_status import BindStatus, BindStatuses
from stream.resolver.lookup_results import ApiCall, FinishedLookup, LookupOutcome
from stream.resolver.lookups import AnyLookup, Api
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.planner import Planner
from stream.resolver.shared_state import SharedState
from stream.resolver.wechat_api import CALL_S

_CHECK_S: Final = 1.0  # the longest wait before the plan is checked again
_NOT_NEEDED: Final = {
    BindStatus.BOUND: LookupOutcome.KNOWN,
    BindStatus.ERASED: LookupOutcome.ERASED,
}


@dataclass(frozen=True, slots=True)
class LookupTools:
    """The services that lookups need."""

    planner: Planner
    caller: ApiCaller
    answers: Answers
    shared: SharedState
    statuses: BindStatuses
    publish: Publish
    metrics: ResolverMetrics
    now_ms: Callable[[], int]


class LookupLoop:
    """Makes lookups; ``on_finished`` is called once for each."""

    def __init__(
        self, settings: Settings, tools: LookupTools, on_finished: Callable[[FinishedLookup], None]
    ) -> None:
        self._settings, self._tools, self._on_finished = settings, tools, on_finished
        self._calls: set[asyncio.Task[None]] = set()
        self._changed, self._progress = asyncio.Event(), asyncio.Event()
        self.refused: Verdict | None = None  # quota or app, once WeChat has said so

    async def add(self, lookups: Iterable[tuple[AnyLookup, Hashable]]) -> None:
        """Plan lookups; those of bound or erased origins finish at once."""
        wanted = list(lookups)
        statuses = await self._tools.statuses.of([lookup for lookup, _ in wanted])
        now_ms = self._tools.now_ms()
        for lookup, tag in wanted:
            if decided := _NOT_NEEDED.get(statuses.get(lookup, BindStatus.UNBOUND)):
                self.finish([FinishedLookup(lookup, decided, tag)])
            elif finished := self._tools.planner.add(lookup, tag, now_ms):
                self.finish([finished])
        self._changed.set()

    def finish(self, finished: Iterable[FinishedLookup]) -> None:
        """Count lookups that have finished, and report them."""
        now_ms = self._tools.now_ms()
        for one in finished:
            self._tools.metrics.count(one, now_ms)
            self._on_finished(one)
        self._progress.set()

    async def until_waiting(self, at_most: int) -> None:
        """Return when at most so many lookups wait, or WeChat has stopped answering."""
        while len(self._tools.planner) > at_most and self.refused is None:
            self._progress.clear()
            await self._progress.wait()

    async def until_room(self, api: Api) -> None:
        """Return when a lookup that is in no hurry may be added."""
        while self._tools.planner.half_full(api):
            self._progress.clear()
            await self._progress.wait()

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Make the planned calls as tasks of the group, until cancelled."""
        planner, most = self._tools.planner, self._settings.resolver_calls_at_once
        while True:
            self._changed.clear()
            now_ms = self._tools.now_ms()
            self.finish(planner.expired(now_ms))
            for call in planner.due_calls(now_ms, most - len(self._calls)):
                task = group.create_task(self._call(call))
                self._calls.add(task)
                task.add_done_callback(self._called)
            self._tools.metrics.waiting.set(len(planner))
            await self._wait(None if len(self._calls) >= most else planner.next_ms(now_ms))

    async def _wait(self, planned_ms: int | None) -> None:
        """Wait until the plan changes, or until a call is planned."""
        wait_s = _CHECK_S
        if planned_ms is not None:
            wait_s = min(_CHECK_S, max(0.001, (planned_ms - self._tools.now_ms()) / 1000))
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _call(self, planned: ApiCall) -> None:
        now_ms = self._tools.now_ms
        call = await self._still_open(planned)
        if call is None:
            return
        within_s = min(CALL_S, max(0.1, (call.by_ms - now_ms()) / 1000))
        answer = await self._tools.answers.ask(call, within_s)
        await self._tools.publish(answer.records)
        verdict = answer.verdict
        if verdict in (Verdict.QUOTA, Verdict.APP_REFUSED):
            self.refused = verdict
        planner = self._tools.planner
        for api, calls in answer.calls.items():
            planner.raise_count(api, call.appid, calls, now_ms())
        self.finish(planner.answered(call, verdict, answer.outcomes, now_ms(), random.random()))

    async def _still_open(self, call: ApiCall) -> ApiCall | None:
        """The call without lookups that are no longer needed: some have waited for a day."""
        statuses = await self._tools.statuses.of(call.lookups)
        decided = {
            lookup: _NOT_NEEDED[status]
            for lookup, status in statuses.items()
            if status in _NOT_NEEDED
        }
        if not decided:
            return call
        self.finish(self._tools.planner.settle(decided, self._tools.now_ms()))
        rest = tuple(lookup for lookup in call.lookups if lookup not in decided)
        return replace(call, lookups=rest) if rest else None

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._changed.set()
