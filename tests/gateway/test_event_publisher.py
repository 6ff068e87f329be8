# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from schemas import decode
from schemas.base import Closed
from schemas.mall import MallPayment
from schemas.official_account import AccountFollowed, AccountUnfollowed
from schemas.pay import DirectRefund, RefundAmount
from schemas.privacy import EraseRequested
from schemas.shop import ShopOrderChanged
from stream.addressing.partitioning import partition_of
from stream.gateway.dependencies import Unavailable
from stream.gateway.event_publisher import EventPublisher, key_of, source_of
from stream.gateway.metrics import GatewayMetrics
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason
from tests.gateway.http import settings_of, until

AT = datetime(2026, 3, 1, tzinfo=UTC)
OA, TOPIC = "wx1a2b3c4d5e6f7a01", "wechat.official-account"


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...


def followed(number: int = 1) -> OutboundEvent:
    data = AccountFollowed(appid=OA, openid=f"oMei{number:024}")
    return OutboundEvent(TOPIC, "account.followed.v1", f"f-{number}", AT, data)


class FakeProducer:
    """Acknowledges on request; ``refuses`` is raised by every send after the first ``takes``."""

    def __init__(self, refuses: Exception | None = None, takes: int = 0) -> None:
        self.refuses, self.takes = refuses, takes
        self.waiting: list[asyncio.Future[None]] = []
        self.sent: list[tuple[Any, ...]] = []

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(8))

    async def send(
        self, topic: str, value: bytes, key: bytes, *, partition: int, headers: Sequence[Any]
    ) -> asyncio.Future[None]:
        if self.refuses and len(self.sent) == self.takes:
            raise self.refuses
        self.sent.append((topic, key, partition))
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


async def publisher(producer: FakeProducer, **variables: str) -> EventPublisher:
    made = EventPublisher(settings_of(**variables), GatewayMetrics(), lambda: producer)
    await made.start([])
    return made


async def test_nothing_is_published_before_all_of_it_is_acknowledged() -> None:
    producer = FakeProducer()
    out = await publisher(producer, TOPIC_PREFIX="eu.")
    done = asyncio.create_task(out.publish([followed(1), followed(2)]))
    await until(lambda: len(producer.waiting) == 2)
    producer.waiting[0].set_result(None)
    await asyncio.sleep(0.02)

    assert not done.done()
    assert out.unacknowledged == 1
    producer.waiting[1].set_result(None)
    await done
    assert out.unacknowledged == 0
    key = f"origin.{OA}.oMei{1:024}".encode()
    assert producer.sent[0] == (f"eu.{TOPIC}", key, partition_of(key, 8))


@pytest.mark.parametrize("error", [KafkaTimeoutError(), OSError(), TopicAuthorizationFailedError()])
async def test_a_failure_is_unavailable_whatever_it_is(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rejecting = await publisher(FakeProducer(error))
    with pytest.raises(Unavailable):
        await rejecting.publish([followed()])
    producer = FakeProducer()
    later = await publisher(producer)
    done = asyncio.create_task(later.publish([followed(1), followed(2)]))
    await until(lambda: len(producer.waiting) == 2)
    for waiting in producer.waiting:
        waiting.set_exception(error)
    with pytest.raises(Unavailable):
        await done

    assert later.unacknowledged == 0
    assert type(error).__name__ in caplog.text
    assert "oMei" not in caplog.text


async def test_what_was_given_up_still_counts_until_it_lands() -> None:
    producer = FakeProducer()
    out = await publisher(producer, GATEWAY_UNACKNOWLEDGED_MAX="2")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await out.publish([followed(1), followed(2)])
    with pytest.raises(DeliveryRejected) as rejected:
        await out.publish([followed(3)])
    assert rejected.value.reason == RejectReason.OVERLOADED

    for waiting in producer.waiting:
        waiting.set_result(None)
    await asyncio.sleep(0)
    assert out.unacknowledged == 0
    done = asyncio.create_task(out.publish([followed(3)]))
    await until(lambda: len(producer.waiting) == 3)
    producer.waiting[2].set_result(None)
    await done


async def test_what_fails_after_all_is_lost_is_nobodys_business(
    caplog: pytest.LogCaptureFixture,
) -> None:
    producer = FakeProducer(OSError(), takes=1)
    out = await publisher(producer)
    with pytest.raises(Unavailable):
        await out.publish([followed(1), followed(2)])
    producer.waiting[0].set_exception(KafkaTimeoutError())
    await asyncio.sleep(0.01)
    gc.collect()

    assert out.unacknowledged == 0
    assert "never retrieved" not in caplog.text


async def test_nothing_to_publish_needs_no_kafka() -> None:
    await (await publisher(FakeProducer(OSError()))).publish([])


REFUND = DirectRefund(
    mchid="1900000001",
    transaction_id="4200000000202603010000000001",
    out_trade_no="order-1",
    refund_id="5000000000202603010000000001",
    out_refund_no="refund-1",
    refund_status="SUCCESS",
    success_time=AT,
    amount=RefundAmount(total=100, refund=100, payer_total=100, payer_refund=100),
)


@pytest.mark.parametrize(
    ("type_", "data", "key"),
    [
        (
            "account.unfollowed.v1",
            AccountUnfollowed(appid=OA, openid="oMei01"),
            f"origin.{OA}.oMei01",
        ),
        ("refund.succeeded.v1", REFUND, "tx.4200000000202603010000000001"),
        (
            "erase.requested.v1",
            EraseRequested(unionid="uMei01", open_account="abc-brand"),
            "union.abc-brand.uMei01",
        ),
        ("shop_order.changed.v1", ShopOrderChanged(appid="wxshop", order_id="37"), "id-1"),
        ("erase.requested.v1", EraseRequested(consumer_id=f"origin.{OA}.oMei01"), "id-1"),
    ],
)
def test_the_key_is_whom_it_is_about(type_: str, data: Closed, key: str) -> None:
    assert key_of(OutboundEvent(TOPIC, type_, "id-1", AT, data)) == key


# --- on a real broker ------------------------------------------------------------------------


@asynccontextmanager
async def real(bootstrap: str, namespace: str, **variables: str) -> AsyncIterator[EventPublisher]:
    settings = settings_of(
        KAFKA_BOOTSTRAP_SERVERS=bootstrap,
        TOPIC_PREFIX=f"{namespace}.",
        NAMESPACE=namespace,
        PARTITIONS="2",
        **variables,
    )
    topic = f"{namespace}.{TOPIC}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 3, 1)])  # one more than ours have
    finally:
        await admin.close()
    out = EventPublisher(settings, GatewayMetrics())
    await out.start([topic])
    try:
        yield out
    finally:
        await out.stop()


async def consume(bootstrap: str, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, p) for p in range(3)])
    found: list[Any] = []
    try:
        async with asyncio.timeout(60):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    finally:
        await consumer.stop()
    return found


@pytest.mark.integration
async def test_the_engine_can_read_what_many_requests_publish(
    kafka: Broker, namespace: str
) -> None:
    async with real(kafka.bootstrap, namespace) as out:
        assert await out.ready()
        await asyncio.gather(*(out.publish([followed(n)]) for n in range(100)))
        found = await consume(kafka.bootstrap, f"{namespace}.{TOPIC}", 100)

    events = [decode(record.value, record.headers, TOPIC) for record in found]
    assert {event.id for event in events} == {f"f-{n}" for n in range(100)}
    assert {event.source for event in events} == {f"urn:shadowpoints:{namespace}:gateway"}
    assert source_of(settings_of(NAMESPACE=namespace), followed(1)) == events[0].source
    assert all(record.partition == partition_of(record.key, 3) for record in found)


@pytest.mark.integration
async def test_a_broker_that_is_away_costs_503_and_no_memory(
    new_kafka: Callable[[], Any], namespace: str
) -> None:
    broker = await asyncio.to_thread(new_kafka)
    async with real(broker.bootstrap, namespace, GATEWAY_ANSWER_WITHIN_S="1") as out:
        await out.publish([followed(0)])
        await asyncio.to_thread(broker.kill)
        assert not await out.ready()

        async def rejected(number: int) -> bool:
            try:
                async with asyncio.timeout(1):
                    await out.publish([followed(number)])
            except (Unavailable, TimeoutError):
                return True
            return False

        assert all(await asyncio.gather(*(rejected(n) for n in range(1, 50))))
        await until(lambda: not out.unacknowledged)
        await asyncio.to_thread(broker.start)
        for _ in range(60):
            if not await rejected(100):
                break
        found = await consume(broker.bootstrap, f"{namespace}.{TOPIC}", 2)

    ids = [dict(record.headers)["ce_id"] for record in found]
    assert b"f-0" in ids
    assert b"f-100" in ids


def test_the_source_says_for_whom_the_gateway_speaks() -> None:
    settings = settings_of(NAMESPACE="abc")
    mall = MallPayment(
        appid=OA, openid="oMei", mchid="1", transaction_id="4200", amount=1, time_end=AT
    )
    result = OutboundEvent(TOPIC, "payment.succeeded.v1", "p-1", AT, mall)
    assert source_of(settings, followed()) == "urn:shadowpoints:abc:gateway"
    assert source_of(settings, result) == "urn:shadowpoints:abc:gateway:mall"
    till = replace(result, client="till-7")
    assert source_of(settings, till) == "urn:shadowpoints:abc:client:till-7"
