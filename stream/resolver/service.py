# SPDX-License-Identifier: Apache-2.0
"""Run the resolver: read events and hints, make their lookups, commit finished records."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition

from schemas import Refused, decode
from schemas.shop import ShopOrderChanged
from schemas.topics import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY, TOPIC_SHOP
from stream.config.settings import Settings
from stream.kafka.group_reader import RecordPosition
from stream.resolver.gap_fill import SHOP_LISTS, GapFill, Window
from stream.resolver.lookup_loop import LookupLoop, LookupTools
from stream.resolver.lookup_results import FinishedLookup, LookupOutcome
from stream.resolver.lookups import AnyLookup, Api, OrderLookup, lookup_of, order_lookup
from stream.resolver.source_reader import SourceReader

_log = logging.getLogger(__name__)

_LOOKED_UP_BY: Final = {
    TOPIC_PAY: Api.PAID,
    TOPIC_OFFICIAL_ACCOUNT: Api.BATCH,
    TOPIC_SHOP: Api.ORDER,
}
_READ_S: Final = 0.5
_COMMIT_S: Final = 1.0


class Resolver:
    """`run` it once; `stop` ends it. The next process repeats the lookups that did not finish.

    ``kinds``, by appid, has the apps that can be looked up.
    """

    def __init__(self, settings: Settings, tools: LookupTools, kinds: Mapping[str, str]) -> None:
        self._settings, self._tools, self._kinds = settings, tools, kinds
        self._patience_ms = settings.resolver_patience_s * 1000
        self._work: list[asyncio.Task[None]] = []
        skipped = tools.metrics.skipped.inc
        self._reader = SourceReader(settings, tools.now_ms, tools.planner.drop, skipped)
        self._loop = LookupLoop(settings, tools, self._finished)
        tools.metrics.watch(lambda: tools.planner.calls_left(tools.now_ms()))

    async def run(self) -> None:
        """Run until `stop`; raises ``TopicsUnfit`` and ``KafkaError``, perhaps in a group."""
        async with self._reader:
            _log.info("Ready to look up openids of %d apps", len(self._kinds))
            async with asyncio.TaskGroup() as group:
                work = self._read(), self._loop.run(group), self._commit(), *self._fills()
                self._work = [group.create_task(part) for part in work]
            await self._reader.commit()

    def stop(self) -> None:
        """Start no more calls; `run` ends when those under way have returned."""
        for task in self._work:
            task.cancel()

    async def _read(self) -> None:
        while True:
            await self._plan(await self._reader.read(_READ_S, self._is_full))

    def _is_full(self, at: TopicPartition) -> bool:
        """Back-pressure: whether the lookups of a topic would overflow."""
        api = _LOOKED_UP_BY[self._settings.topics.plain(at.topic)]
        return self._tools.planner.full(api)

    async def _plan(self, records: Sequence[Any]) -> None:
        lookups: list[tuple[AnyLookup, RecordPosition]] = []
        for record in records:
            position = RecordPosition(record.topic, record.partition, record.offset)
            lookup = self._lookup_of(record)
            if lookup is None:
                self._reader.finish(position)
            elif isinstance(lookup, OrderLookup) and self._kinds.get(lookup.appid) != "shop":
                self._loop.finish([FinishedLookup(lookup, LookupOutcome.UNKNOWN_APP, position)])
            elif lookup.by_ms <= record.timestamp:
                self._loop.finish([FinishedLookup(lookup, LookupOutcome.LATE_EVENT, position)])
            else:
                lookups.append((lookup, position))
        if records:
            age_ms = self._tools.now_ms() - records[-1].timestamp
            self._tools.metrics.behind_seconds.set(max(0, age_ms) / 1000)
        await self._loop.add(lookups)

    def _lookup_of(self, record: Any) -> AnyLookup | None:
        """``None`` also for an invalid record: of an event the engine makes a dead letter."""
        topic = self._settings.topics.plain(record.topic)
        try:
            event = decode(record.value, record.headers, topic)
        except Refused:
            if topic == TOPIC_SHOP:
                self._tools.metrics.unreadable.inc()
            return None
        if isinstance(event.data, ShopOrderChanged):
            by_ms = self._tools.now_ms() + self._patience_ms  # a hint may be read days later
            return order_lookup(event.data, event.time_ms, by_ms)
        return lookup_of(event, self._kinds, self._patience_ms)

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_S)
            await self._reader.commit()

    def _fills(self) -> list[Coroutine[Any, Any, None]]:
        """A task for each list of each shop, so that none waits for another."""
        shops = [appid for appid, kind in self._kinds.items() if kind == "shop"]
        places = [(appid, wanted) for appid in shops for wanted in SHOP_LISTS]
        return [
            GapFill(appid, wanted, self._tools, self._loop, self._patience_ms).run()
            for appid, wanted in places
        ]

    def _finished(self, finished: FinishedLookup) -> None:
        if isinstance(finished.tag, Window):
            finished.tag.finish(finished)
        else:
            assert isinstance(finished.tag, RecordPosition)
            self._reader.finish(finished.tag)
