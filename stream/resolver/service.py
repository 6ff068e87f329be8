"""The resolver at work: reads, asks, publishes, and acknowledges what is done with."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas import Refused, decode
from schemas.registry import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY
from stream.resolver.answers import records_of
from stream.resolver.api import CALL_S
from stream.resolver.asking import Asker
from stream.resolver.asks import Api, Ask, ask_of
from stream.resolver.intake import Intake, Place
from stream.resolver.metrics import ResolverMetrics
from stream.resolver.outcomes import Call, Ended, Outcome
from stream.resolver.planner import Planner
from stream.resolver.standing import Standing, Standings
from stream.runtime.runs import Publish
from stream.settings import Settings

_log = logging.getLogger(__name__)

_READ_S: Final = 0.5
_LOOK_S: Final = 1.0  # a look at the clock at least so often
_COMMIT_S: Final = 1.0
_DECIDED: Final = {Standing.BOUND: Outcome.KNOWN, Standing.ERASED: Outcome.ERASED}


@dataclass(frozen=True, slots=True)
class Tools:
    """What the resolver works with. ``kinds`` are those of the apps it has AppSecrets of."""

    planner: Planner
    asker: Asker
    standings: Standings
    publish: Publish
    metrics: ResolverMetrics
    kinds: Mapping[str, str]
    now_ms: Callable[[], int]


class Resolver:
    """`run` it once; `stop` ends it. What is not done by then is asked again by the next one."""

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self._settings, self._tools = settings, tools
        self._metrics, self._planner = tools.metrics, tools.planner
        self._patience_ms = settings.resolver_patience_s * 1000
        self._work: list[asyncio.Task[None]] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._intake = Intake(settings, tools.now_ms, self._lost, self._metrics.skipped.inc)
        self._metrics.watch(lambda: self._planner.left(tools.now_ms()))

    async def run(self) -> None:
        """Until `stop`; raises ``TopicsUnfit`` and ``KafkaError``, perhaps in a group."""
        async with self._intake:
            _log.info("Ready to ask for %d apps", len(self._tools.kinds))
            async with asyncio.TaskGroup() as group:
                work = self._read_on(), self._ask_on(group), self._commit_on()
                self._work = [group.create_task(part) for part in work]
            await self._intake.commit()

    def stop(self) -> None:
        """Ask nothing more; `run` ends when what is on its way has come back."""
        for task in self._work:
            task.cancel()

    # reading --------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        while True:
            await self.take_in(await self._intake.read(_READ_S, self._full()))

    def _full(self) -> list[str]:
        """Back-pressure: topics whose questions would overflow are not read on."""
        topics = {TOPIC_PAY: Api.PAID, TOPIC_OFFICIAL_ACCOUNT: Api.BATCH}
        return [topic for topic, api in topics.items() if self._planner.full(api)]

    async def take_in(self, records: Sequence[Any]) -> None:
        """Records as aiokafka gives them."""
        asks: list[tuple[Ask, Place, int]] = []
        for record in records:
            place = Place(record.topic, record.partition, record.offset)
            ask = self._ask_of(record)
            if ask is None:
                self._intake.done(place)
            else:
                asks.append((ask, place, record.timestamp))
        if records:
            age_ms = self._tools.now_ms() - records[-1].timestamp
            self._metrics.behind_seconds.set(max(0, age_ms) / 1000)
        standings = await self._tools.standings.of([ask for ask, _, _ in asks])
        now_ms = self._tools.now_ms()
        for ask, place, published_ms in asks:
            self._end(self._plan(ask, place, published_ms, standings[ask], now_ms), now_ms)
        self._news.set()

    def _ask_of(self, record: Any) -> Ask | None:
        """What cannot be read is the engine's to tell."""
        try:
            event = decode(record.value, record.headers, self._settings.topics.plain(record.topic))
        except Refused:
            return None
        return ask_of(event, self._tools.kinds, self._patience_ms)

    def _plan(
        self, ask: Ask, place: Place, published_ms: int, standing: Standing, now_ms: int
    ) -> list[Ended]:
        if decided := _DECIDED.get(standing):
            return [Ended(ask, decided, place)]
        if ask.by_ms <= published_ms:
            return [Ended(ask, Outcome.LATE_EVENT, place)]
        ended = self._planner.add(ask, place, now_ms)
        return [ended] if ended else []

    # asking ---------------------------------------------------------------------------------------

    async def _ask_on(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._news.clear()
            now_ms = self._tools.now_ms()
            self._end(self._planner.expired(now_ms), now_ms)
            room = self._settings.resolver_calls_at_once - len(self._calls)
            for call in self._planner.take(now_ms, room):
                task = group.create_task(self._call(call))
                self._calls.add(task)
                task.add_done_callback(self._called)
            self._metrics.waiting.set(len(self._planner))
            await self._something(now_ms)

    async def _something(self, now_ms: int) -> None:
        """Wait for news, or for the time at which something is planned."""
        planned_ms = self._planner.next_ms(now_ms)
        wait_s = _LOOK_S if planned_ms is None else min(_LOOK_S, (planned_ms - now_ms) / 1000)
        if len(self._calls) >= self._settings.resolver_calls_at_once:
            wait_s = _LOOK_S
        try:
            async with asyncio.timeout(max(0.001, wait_s)):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _call(self, call: Call) -> None:
        """Ask, publish, and only then call it done."""
        left_s = (call.by_ms - self._tools.now_ms()) / 1000
        reply, unionids, calls = await self._tools.asker.ask(call, min(CALL_S, max(0.1, left_s)))
        now_ms = self._tools.now_ms()
        await self._tools.publish(records_of(self._settings, call.api, call.asks, unionids, now_ms))
        now_ms = self._tools.now_ms()
        self._planner.spent(call.api, call.appid, calls, now_ms)
        draw = random.random()
        self._end(self._planner.answered(call, reply.verdict, unionids, now_ms, draw), now_ms)

    def _called(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._news.set()

    # acknowledging --------------------------------------------------------------------------------

    async def _commit_on(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_S)
            await self._intake.commit()

    def _end(self, ended: Iterable[Ended], now_ms: int) -> None:
        for one in ended:
            self._metrics.count(one, now_ms)
            if isinstance(one.tag, Place):
                self._intake.done(one.tag)

    def _lost(self, places: Sequence[Place]) -> None:
        self._planner.drop(places)
