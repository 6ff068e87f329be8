# SPDX-License-Identifier: Apache-2.0
"""Run the webhooks: read events, deliver each, commit the offsets of those that are done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from schemas import Reason
from stream.config.settings import Settings
from stream.kafka.dead_letters import Stage, dead_letter
from stream.kafka.group_reader import RECORDS_MAX, GroupReader, RecordPosition
from stream.kafka.record_batches import Publish
from stream.webhooks.deliveries import DELIVERED, ERASED, Dead, Deliveries
from stream.webhooks.event_json import NotAnEvent, Webhook, webhook_of
from stream.webhooks.metrics import WebhookMetrics
from stream.webhooks.retry_policy import Reply, Verdict
from stream.webhooks.schedule import Delivery, Partition

_log = logging.getLogger(__name__)

_READ_S: Final = 0.5
_COMMIT_S: Final = 1.0
_BYTES_MAX: Final = 8_388_608  # held of a partition; one fetch may exceed it
_TELL_EVERY_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Tools:
    """What the service does its work with."""

    send: Callable[[Webhook], Awaitable[Reply]]
    publish: Publish  # dead letters
    metrics: WebhookMetrics
    now_ms: Callable[[], int]
    random: Callable[[], float]


class WebhookService:
    """`run` it once; `stop` ends it. The next process delivers what was not done."""

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self._settings, self._tools = settings, tools
        give_up_ms = settings.webhook_give_up_s * 1000
        self._deliveries = Deliveries(settings.webhook_requests_max, give_up_ms, tools.now_ms())
        self._schedule = self._deliveries.schedule
        self._changed = asyncio.Event()
        self._work: list[asyncio.Task[None]] = []
        self._told_ms: int | None = None
        group, topics = f"{settings.namespace}-webhooks", settings.topics.webhooks
        self._reader = GroupReader(settings, group, topics, self._lost)

    async def run(self) -> None:
        """Run until `stop`; raises ``TopicsUnfit`` and ``KafkaError``, perhaps in a group."""
        async with self._reader:
            _log.info("Ready to deliver")
            async with asyncio.TaskGroup() as group:
                work = self._read(), self._send_due(group), self._commit()
                self._work = [group.create_task(part) for part in work]
            await self._reader.commit()

    def stop(self) -> None:
        """Start no more requests; `run` ends when those under way have returned."""
        for task in self._work:
            task.cancel()

    def trouble(self) -> list[str]:
        """What is wrong with the receiver, in a sentence."""
        return self._deliveries.trouble(self._tools.now_ms())

    # reading ---------------------------------------------------------------------------------

    async def _read(self) -> None:
        metrics = self._tools.metrics
        while True:
            records = await self._reader.read(_READ_S, self._is_full)
            for record in records:  # without a pause: partitions may be revoked in one
                for delivery in self._deliveries.take(record):
                    self._finish(delivery.record, ERASED)
            metrics.full_partitions.set(sum(map(self._is_full, self._schedule.partitions)))
            metrics.waiting.set(self._schedule.total)
            if records:
                age_ms = self._tools.now_ms() - records[-1].timestamp
                metrics.behind_seconds.set(max(0, age_ms) / 1000)
                self._changed.set()

    def _is_full(self, at: Partition) -> bool:
        """Back-pressure: whether so many events of a partition wait that it is not read."""
        count, held = self._schedule.held(at)
        return count > self._settings.webhook_waiting_max - RECORDS_MAX or held > _BYTES_MAX

    def _lost(self, records: Sequence[RecordPosition]) -> None:
        for partition in {(at.topic, at.partition) for at in records}:
            self._schedule.drop(partition)

    async def _commit(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_S)
            await self._reader.commit()

    # delivering ------------------------------------------------------------------------------

    async def _send_due(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._changed.clear()
            for delivery in self._schedule.start(self._tools.now_ms()):
                group.create_task(self._attempt(delivery))
            next_ms = self._schedule.next_ms()
            wait_s = None if next_ms is None else (next_ms - self._tools.now_ms()) / 1000
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()

    async def _attempt(self, delivery: Delivery) -> None:
        record = delivery.record
        try:
            webhook = webhook_of(record.headers, record.value)
        except NotAnEvent as error:
            outcome: str | Dead | None = Dead(
                Reason.INVALID_ENVELOPE, f"The record is no event of this engine: {error}."
            )
        else:
            outcome = await self._sent(delivery, webhook)
        if isinstance(outcome, Dead):
            await self._bury(record, outcome)
            outcome = outcome.reason
        if outcome is not None:
            self._schedule.done(delivery)
            self._finish(record, outcome)
        self._changed.set()

    async def _sent(self, delivery: Delivery, webhook: Webhook) -> str | Dead | None:
        metrics = self._tools.metrics
        with metrics.request_seconds.time():
            reply = await self._tools.send(webhook)
        now_ms = self._tools.now_ms()
        metrics.attempts.labels(reply.verdict).inc()
        if reply.verdict is not Verdict.DELIVERED:
            self._tell(reply, now_ms)
        outcome = self._deliveries.replied(delivery, reply, now_ms, self._tools.random())
        if outcome == DELIVERED:
            metrics.delivery_seconds.observe(max(0, now_ms - delivery.record.timestamp) / 1000)
        return outcome

    async def _bury(self, record: Any, dead: Dead) -> None:
        """Publish the dead letter of a record; only then it is done."""
        letter = dead_letter(
            self._settings.topics,
            topic=record.topic,
            partition=record.partition,
            record=record,
            stage=Stage.WEBHOOK,
            reason=dead.reason,
            message=dead.message,
            partitions=self._settings.partitions,
        )
        await self._tools.publish([letter])
        place = (record.topic, record.partition, record.offset)
        _log.error("%s-%d@%d is a dead letter (%s)", *place, dead.reason)

    def _tell(self, reply: Reply, now_ms: int) -> None:
        """Log a failure, one a minute."""
        if self._told_ms is None or now_ms >= self._told_ms + _TELL_EVERY_MS:
            self._told_ms = now_ms
            _log.warning("The receiver did not take an event (%s)", reply)

    def _finish(self, record: Any, outcome: str) -> None:
        self._reader.finish(RecordPosition(record.topic, record.partition, record.offset))
        self._tools.metrics.events.labels(outcome).inc()
