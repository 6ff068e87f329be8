# SPDX-License-Identifier: Apache-2.0
"""Publishes the gateway's events to Kafka and waits until they are acknowledged.

aiokafka batches the records of concurrent requests by itself; batches built by hand
(``create_batch``) would save 3 of 14 µs a record at 64 concurrent requests: not worth it here.

The producer is not idempotent. aiokafka's idempotent one never gives a batch up: while the broker
is away it would keep events that were answered with 503 long ago, and publish them later. Our
batches expire instead. A retry may duplicate an event; it has the same business key, and the
engine counts it once, as it does with WeChat's own retries.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import binary_headers, encode_data
from schemas.mall import MallPayment, MallRefund
from schemas.registry import SOURCE_OF
from stream.addressing.partitioning import partition_of
from stream.config.client_security import kafka_options
from stream.config.settings import Settings
from stream.engine.model.ids import origin_key, payment_key, union_key
from stream.gateway.dependencies import Unavailable
from stream.gateway.metrics import GatewayMetrics
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

_log = logging.getLogger(__name__)

BATCH_BYTES_MAX: Final = 262_144
_LOG_EVERY_S: Final = 5.0


class EventPublisher:
    """Publishes with ``acks=all``, and limits the number of unacknowledged events."""

    def __init__(
        self,
        settings: Settings,
        metrics: GatewayMetrics,
        new_producer: Callable[[], AIOKafkaProducer] | None = None,
    ) -> None:
        self._prefix = settings.topics.prefix
        self._settings = settings
        self._unacknowledged_max = settings.gateway_unacknowledged_max
        self._metrics = metrics
        self._new_producer = new_producer or (lambda: _producer(settings))
        self._producer: AIOKafkaProducer | None = None
        self._logged_at_s = float("-inf")
        self.unacknowledged = 0

    async def start(self, topics: Sequence[str]) -> None:
        """Connect and check that the topics (full names) exist; raises ``KafkaError``."""
        self._producer = producer = self._new_producer()
        try:
            await producer.start()
            for topic in topics:
                await producer.partitions_for(topic)
        except BaseException:
            await producer.stop()
            raise

    async def stop(self) -> None:
        """Flush, then disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def ready(self) -> bool:
        """Whether some broker answers now."""
        assert self._producer is not None
        try:
            await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError):
            return False
        return True

    async def publish(self, events: Sequence[OutboundEvent]) -> None:
        """See :class:`stream.gateway.dependencies.Publish`; stops waiting only when cancelled."""
        if not events:
            return
        if self.unacknowledged + len(events) > self._unacknowledged_max:
            raise DeliveryRejected(
                RejectReason.OVERLOADED, "Too many unacknowledged events; send it again."
            )
        began = time.perf_counter()
        receipt = _Receipt(self, len(events))
        try:
            for event in events:
                await self._send(event, receipt)
            await receipt.complete
        except (KafkaError, OSError) as error:
            self._failed(error)
            raise Unavailable from None
        finally:
            receipt.complete.cancel()  # an incomplete one has no waiter any more
        self._metrics.publish_seconds.observe(time.perf_counter() - began)
        self._metrics.published.inc(len(events))

    async def _send(self, event: OutboundEvent, receipt: _Receipt) -> None:
        assert self._producer is not None
        topic, key = self._prefix + event.topic, key_of(event).encode()
        source = source_of(self._settings, event)
        partitions = len(await self._producer.partitions_for(topic))
        acknowledged = await self._producer.send(
            topic,
            encode_data(event.data),
            key,
            partition=partition_of(key, partitions),
            headers=binary_headers(event.type, event.id, source, event.time),
        )
        self.unacknowledged += 1
        acknowledged.add_done_callback(receipt.landed)

    def _failed(self, error: Exception) -> None:
        now_s = time.monotonic()
        self._metrics.publish_failures.inc()
        if now_s - self._logged_at_s >= _LOG_EVERY_S:
            self._logged_at_s = now_s
            _log.warning("Publishing to Kafka failed (%s)", type(error).__name__)


class _Receipt:
    """The acknowledgements of one request; late ones still update the count."""

    def __init__(self, publisher: EventPublisher, events: int) -> None:
        self._publisher, self._left = publisher, events
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def landed(self, acknowledged: asyncio.Future[Any]) -> None:
        self._publisher.unacknowledged -= 1
        self._left -= 1
        error = acknowledged.exception()
        if self.complete.done():  # the request has ended
            return
        if error is not None:
            self.complete.set_exception(error)
        elif not self._left:
            self.complete.set_result(None)


def source_of(settings: Settings, event: OutboundEvent) -> str:
    """The ``ce_source``: who reported the event, the same for all gateway processes.

    The engine decides by it whose reports can merge people (``stream.engine.model.reporters``).
    WeChat notifies a mall and a shop of one payment separately.
    """
    reporter = "gateway:mall" if isinstance(event.data, MallPayment | MallRefund) else "gateway"
    reporter = f"client:{event.client}" if event.client else reporter
    return f"urn:shadowpoints:{settings.namespace}:{reporter}"


def key_of(event: OutboundEvent) -> str:
    """The record key: an event's origin, so that one person's events in one app stay in order."""
    data: Any = event.data
    if origin := getattr(data, "origin", None):
        return origin_key(*origin)
    source = SOURCE_OF.get(event.type)  # a hint has none
    if source and source.payment and (number := getattr(data, source.payment)):
        return payment_key(number, source.payments)
    if union := getattr(data, "union", None):
        return union_key(*union)
    return event.id


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        acks="all",
        max_batch_size=BATCH_BYTES_MAX,
        # Also limits how long a batch is retried; no request waits longer.
        request_timeout_ms=int(settings.gateway_answer_within_s * 1000),
        retry_backoff_ms=50,
        **kafka_options(settings),
    )
