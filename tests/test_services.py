# SPDX-License-Identifier: Apache-2.0
"""The servers that other tests rely on behave as those tests assume."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.conftest import Kafka, unavailable
from tests.services.kafka import KafkaServer, console_producer, stated_version
from tests.services.process import Server, ServiceUnavailable, free_ports
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.integration, pytest.mark.alone]
ONCE = Retry(NoBackoff(), 0)
NewRedis = Callable[[Literal["always", "everysec", "no"]], RedisServer]


async def create_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


async def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=value)


async def consume(bootstrap: str, topic: str, group: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    ) as consumer:
        return sorted([(await consumer.getone()).value for _ in range(count)])


async def test_a_group_reads_what_was_produced(kafka: Kafka, namespace: str) -> None:
    topic = f"{namespace}-events"
    await create_topic(kafka.bootstrap, topic)
    await produce(kafka.bootstrap, topic, [b"one", b"three", b"two"])

    assert await consume(kafka.bootstrap, topic, namespace, 3) == [b"one", b"three", b"two"]


async def test_the_console_producer_reaches_the_broker(
    kafka_server: KafkaServer, namespace: str
) -> None:
    topic = f"{namespace}-events"
    await create_topic(kafka_server.bootstrap, topic)

    args = ("--bootstrap-server", kafka_server.bootstrap, "--topic", topic)
    kafka_server.java(console_producer(), *args, stdin="breakfast\n")

    assert await consume(kafka_server.bootstrap, topic, namespace, 1) == [b"breakfast"]


async def test_a_killed_broker_comes_back_with_its_records(
    new_kafka: Callable[[], KafkaServer], namespace: str
) -> None:
    server = new_kafka()
    await create_topic(server.bootstrap, namespace)
    await produce(server.bootstrap, namespace, [b"kept"])
    address = server.bootstrap

    server.kill()
    server.start()

    assert server.bootstrap == address
    assert await consume(server.bootstrap, namespace, namespace, 1) == [b"kept"]


def test_a_broker_s_tool_that_fails_says_why(kafka_server: KafkaServer) -> None:
    with pytest.raises(RuntimeError, match="exited with 1\nError while validating the bootstrap"):
        kafka_server.java(console_producer(), "--topic", "events")


def test_the_session_s_redis_answers(redis_url: str, namespace: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(namespace, "1", px=60_000)

        assert client.get(namespace) == b"1"


def test_an_acknowledged_write_survives_kill_9(new_redis: NewRedis, namespace: str) -> None:
    server = new_redis("always")
    with redis.Redis.from_url(server.url) as client:
        client.set(namespace, "42")

    server.kill()
    server.start()

    with redis.Redis.from_url(server.url) as client:
        assert client.get(namespace) == b"42"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_paused_redis_is_silent_until_resumed(new_redis: NewRedis) -> None:
    server = new_redis("no")
    with redis.Redis.from_url(server.url, socket_timeout=0.3, retry=ONCE) as client:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()

        assert client.ping() is True


def test_closing_leaves_no_process_and_no_files(new_redis: NewRedis) -> None:
    server = new_redis("no")
    directory, url = server.directory, server.url

    server.close()

    assert server not in Server.running
    assert not directory.exists()
    with redis.Redis.from_url(url, retry=ONCE) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_a_run_that_is_killed_leaves_no_server(new_redis: NewRedis) -> None:
    new_redis("no")  # skips where there is no redis-server
    script = (
        "import os, signal; from tests.services.redis import RedisServer; server = RedisServer();"
        "server.start(); print(server.directory, server.url, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=30
    )
    directory, url = done.stdout.split()

    deadline = time.monotonic() + 60
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert done.returncode == -signal.SIGKILL
    assert not Path(directory).exists()
    with (
        redis.Redis.from_url(url, retry=ONCE) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()


def test_a_server_that_exits_at_start_shows_its_log(
    new_redis: NewRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = new_redis("no")
    server.stop()
    monkeypatch.setattr(RedisServer, "_command", lambda self: ["redis-server", "--port", "none"])
    started = time.monotonic()

    with pytest.raises(RuntimeError, match="redis exited with 1 at start"):
        server.start()

    assert time.monotonic() - started < RedisServer.start_timeout_s
    assert server not in Server.running


def test_a_missing_binary_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ServiceUnavailable, match="redis-server"):
        RedisServer()
    with pytest.raises(ServiceUnavailable, match="Java"):
        KafkaServer()


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({}, pytest.skip.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({"SHADOWPOINTS_REQUIRE_SERVICES": "1"}, pytest.fail.Exception),
        ({"CI": "false"}, pytest.skip.Exception),
    ],
)
def test_a_missing_server_skips_here_and_fails_in_ci(
    environment: dict[str, str], outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "SHADOWPOINTS_REQUIRE_SERVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(outcome, match="no broker here"):
        unavailable("no broker here")


def test_ports_are_distinct_and_below_the_ephemeral_range() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert all(20_000 <= port < 32_000 for port in ports)


def test_the_pom_states_one_broker_version() -> None:
    assert stated_version().startswith("4.1.")
