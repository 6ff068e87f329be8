"""The source topics as the resolver's group reads them, and how far it has come.

An offset is committed once everything before it is done with, so a crash asks again, which is
harmless. Of ``wechat.pay`` nothing is read that is older than getPaidUnionId's window: what waited
for longer cannot be asked any more, and would only delay what can. A group which is new begins
with that window, and with what comes next of the other topics.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from schemas.registry import TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY
from stream.resolver.asks import PAID_WINDOW_MS
from stream.runtime.opening import opening
from stream.runtime.refusals import TopicsUnfit, why_unusable
from stream.runtime.security import kafka_options
from stream.settings import Settings

_log = logging.getLogger(__name__)

TOPICS: Final = (TOPIC_PAY, TOPIC_OFFICIAL_ACCOUNT)
_RECORDS_MAX: Final = 500
_AWAY_S: Final = 1.0  # between tries while Kafka is away


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """A context manager; raises :class:`TopicsUnfit`. ``on_lost`` hears of places given up."""

    def __init__(
        self,
        settings: Settings,
        now_ms: Callable[[], int],
        on_lost: Callable[[Sequence[Place]], None],
        on_skipped: Callable[[int], None],
    ) -> None:
        self._settings, self._now_ms = settings, now_ms
        self._on_lost, self._on_skipped = on_lost, on_skipped
        self._topics = [settings.topics.prefix + name for name in TOPICS]
        self._new: set[TopicPartition] = set()  # assigned, and not yet placed
        self._read: dict[TopicPartition, int] = {}  # the offset after the last record read
        self._open: dict[TopicPartition, set[int]] = {}  # of records not done with
        self._committed: dict[TopicPartition, int] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=f"{settings.namespace}-resolver",
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_interval_s * 1000),
            **kafka_options(settings),
        )

    async def __aenter__(self) -> Self:
        self._consumer.subscribe(self._topics, listener=self)
        async with opening(self._settings, self._consumer.stop):
            await self._consumer.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._consumer.stop()

    async def read(self, wait_s: float, without: Iterable[str] = ()) -> list[Any]:
        """What comes next, but for the topics (their names here) which have to wait."""
        try:
            await self._place()
            self._pause(frozenset(without))
            found = await self._consumer.getmany(
                timeout_ms=int(wait_s * 1000), max_records=_RECORDS_MAX
            )
        except KafkaError as error:
            if not error.retriable:
                raise TopicsUnfit([await why_unusable(self._settings, error)]) from None
            _log.warning("Kafka does not answer (%s); trying again", type(error).__name__)
            await asyncio.sleep(_AWAY_S)
            return []
        records: list[Any] = []
        for place, some in found.items():
            if place in self._read and place not in self._new:
                self._read[place] = some[-1].offset + 1
                self._open[place].update(record.offset for record in some)
                records += some
        return records

    def done(self, place: Place) -> None:
        """A record is done with; harmless for one which was given up since."""
        self._open.get(TopicPartition(place.topic, place.partition), set()).discard(place.offset)

    async def commit(self) -> None:
        """Remember how far everything is done with."""
        positions = {
            place: min(self._open[place], default=offset) for place, offset in self._read.items()
        }
        news = {p: offset for p, offset in positions.items() if self._committed.get(p) != offset}
        if not news:
            return
        try:
            await self._consumer.commit(news)
            self._committed |= news
        except (CommitFailedError, IllegalStateError):
            _log.info("The group is rebalancing; what is done is committed later")
        except KafkaError as error:
            _log.warning("Offsets were not committed (%s)", type(error).__name__)

    # the group ------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Whoever reads them next asks what is not answered."""
        await self.commit()
        lost = [
            Place(p.topic, p.partition, offset) for p in revoked for offset in self._open.get(p, ())
        ]
        for at in revoked:
            for known in (self._read, self._open, self._committed):
                known.pop(at, None)
            self._new.discard(at)
        self._on_lost(lost)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """They are placed before anything of them is taken."""
        self._new |= set(assigned)

    async def _place(self) -> None:
        for at in sorted(self._new & self._consumer.assignment()):
            offset = await self._offset(at)
            if at not in self._consumer.assignment():
                continue
            self._consumer.seek(at, offset)
            self._read[at], self._open[at] = offset, set()
            self._new.discard(at)
            _log.info("Reading %s-%d from offset %d", at.topic, at.partition, offset)

    async def _offset(self, at: TopicPartition) -> int:
        """Where to begin; never before a window which may still be open."""
        committed = await self._consumer.committed(at)
        end: int = (await self._consumer.end_offsets([at]))[at]
        if at.topic != self._settings.topics.prefix + TOPIC_PAY:
            return end if committed is None else min(int(committed), end)
        since_ms = self._now_ms() - PAID_WINDOW_MS
        found = (await self._consumer.offsets_for_times({at: since_ms}))[at]
        begin = end if found is None else int(found.offset)
        if committed is None or committed > end:  # the topic is a new one
            return begin
        self._on_skipped(max(0, begin - int(committed)))
        return max(begin, int(committed))

    def _pause(self, without: frozenset[str]) -> None:
        prefix = self._settings.topics.prefix
        for at in self._consumer.assignment():
            paused = at in self._consumer.paused()
            if (at.topic.removeprefix(prefix) in without) != paused:
                (self._consumer.resume if paused else self._consumer.pause)(at)
