# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests on real servers; nothing is started before a test asks for it.

`KAFKA_BOOTSTRAP_SERVERS` and `REDIS_URL` point tests at servers that run already. Where no server
can be had the test is skipped, or fails when CI or SHADOWPOINTS_REQUIRE_SERVICES is set.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeVar

import pytest
from hypothesis import Phase, settings

from tests.services.kafka import KafkaServer
from tests.services.process import Server, ServiceUnavailable
from tests.services.redis import RedisServer
from tests.services.wechat import WeChat

_TRUE = {"1", "true", "yes"}
_S = TypeVar("_S", bound=Server)


@dataclass(frozen=True)
class Kafka:
    """A broker that tests may use and must leave running."""

    bootstrap: str


def services_required() -> bool:
    """Say whether a missing server is a failure rather than a reason to skip."""
    names = ("CI", "SHADOWPOINTS_REQUIRE_SERVICES")
    return any(os.environ.get(name, "").lower() in _TRUE for name in names)


def unavailable(reason: str) -> NoReturn:
    """Skip the test; fail it where services are required."""
    if services_required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def _running(create: Callable[[], _S]) -> Iterator[_S]:
    try:
        server = create()
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    with server:
        yield server


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """Give the session's own broker; a test that ends or freezes it must bring it back."""
    with _running(KafkaServer) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """Give a broker's address: the environment's, else that of the session's own broker."""
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return Kafka(bootstrap or request.getfixturevalue("kafka_server").bootstrap)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Give the session's own Redis; a test that ends or freezes it must bring it back."""
    with _running(RedisServer) as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """Give a Redis URL: the environment's, else that of the session's own server."""
    url: str = os.environ.get("REDIS_URL") or request.getfixturevalue("redis_server").url
    return url


@pytest.fixture
def new_kafka() -> Iterator[Callable[[], KafkaServer]]:
    """Give a maker of brokers for one test alone, free to be killed."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_running(KafkaServer))


@pytest.fixture
def new_redis() -> Iterator[Callable[[Literal["always", "everysec", "no"]], RedisServer]]:
    """Give a maker (of `appendfsync`) of Redis servers for one test alone, free to be killed."""
    with ExitStack() as stack:
        yield lambda fsync: stack.enter_context(_running(lambda: RedisServer(fsync)))


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    """Give a stand-in for WeChat's API server, which knows no app yet."""
    with WeChat() as server:
        yield server


@pytest.fixture
def namespace() -> str:
    """Give a prefix that no other test has, for topics, groups and Redis keys."""
    return f"test-{uuid.uuid4().hex[:12]}"


# Speed is measured elsewhere. The gate must give one answer for one tree; other runs explore.
settings.register_profile("explore", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True)
# Whether there is a failing example at all: for planted bugs, which nobody wants to see shrunk.
settings.register_profile(
    "hunt", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("gate" if os.environ.get("CI") else "explore")


def pytest_configure() -> None:
    """Let SIGTERM end the run as Ctrl-C does, servers stopped; by default it leaves them behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the servers last printed."""
    report = yield
    if report.failed:
        for server in Server.running:
            report.sections.append((f"{server.name} log", server.log_tail()))
    return report
