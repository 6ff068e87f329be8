"""The way to Kafka: events of many requests in shared batches, acknowledged or refused in time.

``send`` puts records of one partition into one batch by itself; batches built by hand
(``create_batch``) would save 3 of 14 µs a record at 64 requests at once, and are not worth it here.

The producer is not idempotent. An idempotent one of aiokafka never gives a batch up: with the
broker away, all that was answered with 503 long ago would be kept, and published when it is back.
Ours expire instead. What an attempt too many doubles has the same business key, and the engine
counts it once, as it does what WeChat itself sends twice.
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
from stream.engine.ids import origin_key, payment_key, union_key
from stream.gateway.metrics import GatewayMetrics
from stream.gateway.ports import Unavailable
from stream.runtime.partitioning import partition_of
from stream.runtime.security import kafka_options
from stream.settings import Settings
from stream.wechat.heard import NotHeard, Outgoing, Refusal

_log = logging.getLogger(__name__)

BATCH_BYTES_MAX: Final = 262_144
_LOG_EVERY_S: Final = 5.0


class Outlet:
    """Publishes with ``acks=all``; at most so many events are on their way at once."""

    def __init__(
        self,
        settings: Settings,
        metrics: GatewayMetrics,
        new_producer: Callable[[], AIOKafkaProducer] | None = None,
    ) -> None:
        self._prefix = settings.topics.prefix
        self._source = source_of(settings)
        self._partitions = settings.partitions
        self._unacknowledged_max = settings.gateway_unacknowledged_max
        self._metrics = metrics
        self._new_producer = new_producer or (lambda: _producer(settings))
        self._producer: AIOKafkaProducer | None = None
        self._logged_at_s = float("-inf")
        self.unacknowledged = 0

    async def start(self, topics: Sequence[str]) -> None:
        """Connect, and see the topics (their names here); raises ``KafkaError``."""
        self._producer = producer = self._new_producer()
        try:
            await producer.start()
            for topic in topics:
                await producer.partitions_for(topic)
        except BaseException:
            await producer.stop()
            raise

    async def stop(self) -> None:
        """Publish what is on its way, then disconnect."""
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

    async def publish(self, events: Sequence[Outgoing]) -> None:
        """As :class:`stream.gateway.ports.Publish` says; gives up only when cancelled."""
        if not events:
            return
        if self.unacknowledged + len(events) > self._unacknowledged_max:
            raise NotHeard(Refusal.OVERLOADED, "Too much is on its way to Kafka; send it again.")
        began = time.perf_counter()
        receipt = _Receipt(self, len(events))
        try:
            for event in events:
                await self._send(event, receipt)
            await receipt.complete
        except (KafkaError, OSError) as error:
            self._tell(error)
            raise Unavailable from None
        finally:
            receipt.complete.cancel()  # if it is not complete by now, nobody waits for it
        self._metrics.publish_seconds.observe(time.perf_counter() - began)
        self._metrics.published.inc(len(events))

    async def _send(self, event: Outgoing, receipt: _Receipt) -> None:
        assert self._producer is not None
        topic, key = self._prefix + event.topic, key_of(event).encode()
        acknowledged = await self._producer.send(
            topic,
            encode_data(event.data),
            key,
            partition=partition_of(key, self._partitions),
            headers=binary_headers(event.type, event.id, self._source, event.time),
        )
        self.unacknowledged += 1
        acknowledged.add_done_callback(receipt.landed)

    def _tell(self, error: Exception) -> None:
        now_s = time.monotonic()
        self._metrics.publish_failures.inc()
        if now_s - self._logged_at_s >= _LOG_EVERY_S:
            self._logged_at_s = now_s
            _log.warning("Kafka does not take what is published (%s)", type(error).__name__)


class _Receipt:
    """The acknowledgements of one request; those which come too late are counted all the same."""

    def __init__(self, outlet: Outlet, events: int) -> None:
        self._outlet, self._left = outlet, events
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def landed(self, acknowledged: asyncio.Future[Any]) -> None:
        self._outlet.unacknowledged -= 1
        self._left -= 1
        error = acknowledged.exception()
        if self.complete.done():  # nobody waits any more
            return
        if error is not None:
            self.complete.set_exception(error)
        elif not self._left:
            self.complete.set_result(None)


def source_of(settings: Settings) -> str:
    """The ``ce_source`` of a deployment's gateway, however many processes it has."""
    return f"urn:shadowpoints:{settings.namespace}:gateway"


def key_of(event: Outgoing) -> str:
    """Whom an event is about: what one person does in one app stays in order."""
    data: Any = event.data
    if origin := getattr(data, "origin", None):
        return origin_key(*origin)
    if transaction_id := getattr(data, "transaction_id", None):
        return payment_key(transaction_id)
    if union := getattr(data, "union", None):
        return union_key(*union)
    return event.id


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        acks="all",
        max_batch_size=BATCH_BYTES_MAX,
        # Also how long a batch is tried; nobody waits longer for it.
        request_timeout_ms=int(settings.gateway_answer_within_s * 1000),
        retry_backoff_ms=50,
        **kafka_options(settings),
    )
