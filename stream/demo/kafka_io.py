# SPDX-License-Identifier: Apache-2.0
"""Publish the day's records as producers do, and read the output topics as a CRM does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from stream.addressing.topics import TopicNames
from stream.demo.output_totals import Outputs
from stream.demo.wire import SourceRecord
from stream.engine.model.decision import Channel
from stream.kafka.fetching import COMMITTED_ONLY

#: Records between two waits for the broker. The embedded one answers a fetch with one batch as
#: it was produced, so smaller chunks would also make smaller batches in the engine.
_CHUNK = 2_000


class Feed:
    """Publishes the records of a day in order, at most ``ahead_max`` ahead of those handled.

    ``published`` is the number acknowledged; the caller reports the number handled. ``security``
    is from ``stream.config.client_security``, here and below.
    """

    def __init__(
        self,
        bootstrap: str,
        names: TopicNames,
        ahead_max: int,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._security = security or {}
        self._prefix = names.prefix
        self._ahead_max = max(ahead_max, _CHUNK)
        self.published = 0
        self._handled = 0
        self._moved = asyncio.Event()

    def set_handled(self, handled: int) -> None:
        """Report the number of records handled so far."""
        self._handled = handled
        self._moved.set()

    async def run(self, records: Sequence[SourceRecord]) -> None:
        """Return when the broker has acknowledged all of them."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            linger_ms=5,
            max_batch_size=131_072,
            **self._security,
        )
        await producer.start()
        try:
            for start in range(0, len(records), _CHUNK):
                chunk = records[start : start + _CHUNK]
                while self.published + len(chunk) - self._handled > self._ahead_max:
                    self._moved.clear()
                    await self._moved.wait()
                sent = [
                    await producer.send(
                        self._prefix + record.topic,
                        record.value,
                        record.key,
                        timestamp_ms=record.time_ms,
                        headers=list(record.headers),
                    )
                    for record in chunk
                ]
                await asyncio.gather(*sent)
                self.published += len(chunk)
        finally:
            await producer.stop()


class Reader:
    """Reads every output topic from its beginning into ``outputs``, without a consumer group."""

    def __init__(
        self,
        bootstrap: str,
        names: TopicNames,
        partitions: int,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        self.outputs = Outputs()
        self.first_offer_at_s: float | None = None  # on the monotonic clock
        self._names = names
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,  # offset requests queue behind a waiting fetch
            **COMMITTED_ONLY,
            **(security or {}),
        )
        topics = [*(names.channel(channel) for channel in Channel), names.dead_letters]
        self._places = [TopicPartition(t, p) for t in topics for p in range(partitions)]
        self._resolved = [TopicPartition(names.resolved, p) for p in range(partitions)]

    async def start(self) -> None:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_beginning(*self._places)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            found = await self._consumer.getmany(timeout_ms=100, max_records=2_000)
            for place, records in found.items():
                for record in records:
                    if record.value is not None:  # a tombstone has none
                        self._take(place.topic, record.value, record.headers)

    async def resolved_ends(self) -> list[int]:
        """The next offset of each partition of the resolved log."""
        ends = await self._consumer.end_offsets(self._resolved)
        return [ends[place] for place in self._resolved]

    async def has_all(self) -> bool:
        """Whether everything published so far has been read."""
        ends = await self._consumer.end_offsets(self._places)
        return all([await self._consumer.position(place) >= ends[place] for place in self._places])

    def _take(self, topic: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        if topic == self._names.dead_letters:
            self.outputs.take_dead(headers)
            return
        type_ = self.outputs.take(value, headers)
        if type_ == "offer.issued.v1" and self.first_offer_at_s is None:
            self.first_offer_at_s = time.monotonic()
