"""The resolver at work: reads, asks, and acknowledges what is done with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas import Refused, decode
from schemas.registry import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY
from stream.resolver.asks import Api, Ask, ask_of
from stream.resolver.desk import Desk, Tools
from stream.resolver.intake import Intake, Place
from stream.resolver.outcomes import Ended, Outcome
from stream.settings import Settings

_log = logging.getLogger(__name__)

_READ_S: Final = 0.5
_COMMIT_S: Final = 1.0


class Resolver:
    """`run` it once; `stop` ends it. What is not done by then is asked again by the next one.

    ``kinds`` are those of the apps which can be asked for, by appid.
    """

    def __init__(self, settings: Settings, tools: Tools, kinds: Mapping[str, str]) -> None:
        self._settings, self._tools, self._kinds = settings, tools, kinds
        self._patience_ms = settings.resolver_patience_s * 1000
        self._work: list[asyncio.Task[None]] = []
        skipped = tools.metrics.skipped.inc
        self._intake = Intake(settings, tools.now_ms, tools.planner.drop, skipped)
        self._desk = Desk(settings, tools, self._ended)
        tools.metrics.watch(lambda: tools.planner.left(tools.now_ms()))

    async def run(self) -> None:
        """Until `stop`; raises ``TopicsUnfit`` and ``KafkaError``, perhaps in a group."""
        async with self._intake:
            _log.info("Ready to ask for %d apps", len(self._kinds))
            async with asyncio.TaskGroup() as group:
                work = self._read_on(), self._desk.ask_on(group), self._commit_on()
                self._work = [group.create_task(part) for part in work]
            await self._intake.commit()

    def stop(self) -> None:
        """Ask nothing more; `run` ends when what is on its way has come back."""
        for task in self._work:
            task.cancel()

    async def _read_on(self) -> None:
        while True:
            await self._take_in(await self._intake.read(_READ_S, self._full()))

    def _full(self) -> list[str]:
        """Back-pressure: topics whose questions would overflow are not read on."""
        topics = {TOPIC_PAY: Api.PAID, TOPIC_OFFICIAL_ACCOUNT: Api.BATCH}
        return [topic for topic, api in topics.items() if self._tools.planner.full(api)]

    async def _take_in(self, records: Sequence[Any]) -> None:
        asks: list[tuple[Ask, Place]] = []
        for record in records:
            place = Place(record.topic, record.partition, record.offset)
            ask = self._ask_of(record)
            if ask is None:
                self._intake.done(place)
            elif ask.by_ms <= record.timestamp:
                self._desk.end([Ended(ask, Outcome.LATE_EVENT, place)])
            else:
                asks.append((ask, place))
        if records:
            age_ms = self._tools.now_ms() - records[-1].timestamp
            self._tools.metrics.behind_seconds.set(max(0, age_ms) / 1000)
        await self._desk.take(asks)

    def _ask_of(self, record: Any) -> Ask | None:
        """What cannot be read is the engine's to tell."""
        try:
            event = decode(record.value, record.headers, self._settings.topics.plain(record.topic))
        except Refused:
            return None
        return ask_of(event, self._kinds, self._patience_ms)

    async def _commit_on(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_S)
            await self._intake.commit()

    def _ended(self, ended: Ended) -> None:
        assert isinstance(ended.tag, Place)
        self._intake.done(ended.tag)
