# SPDX-License-Identifier: Apache-2.0
"""What the compose file starts, started here: the same commands, variables and health checks.

No container engine is needed: the services' addresses are replaced by those of this machine, and
each service gets ports of its own, which in a container it has anyway.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.integration.cluster import Cluster
from tests.services.kafka import KafkaServer
from tests.services.process import free_ports
from tests.services.redis import RedisServer
from tests.support import commands

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
_STACK = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = _STACK["services"]


class ComposeRedis(RedisServer):
    """Redis as the compose file starts it."""

    def _command(self) -> list[str]:
        _, *options = SERVICES["redis"]["command"]
        here = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self.directory)]
        return [self._binary, *options, *here]


class Stack:
    """The services of the engine, on this machine."""

    def __init__(self, kafka: KafkaServer, redis: RedisServer) -> None:
        self.kafka, self.redis = kafka, redis
        *ports, self.gateway_port = free_ports(4)
        self.ports = dict(zip(("worker-1", "worker-2", "gateway"), ports, strict=True))

    def here(self, text: str) -> str:
        address = urlsplit(self.redis.url)
        text = text.replace("redis://redis:6379", f"redis://{address.netloc}")
        return text.replace("kafka:9092", self.kafka.bootstrap)

    def environment(self, name: str) -> dict[str, str]:
        theirs = SERVICES[name]["environment"]
        mine = {k: self.here(v) for k, v in theirs.items() if v is not None}
        if name in self.ports:
            assert mine["SHADOWPOINTS_WEB_PORT"]
            mine["SHADOWPOINTS_WEB_PORT"] = str(self.ports[name])
            mine["SHADOWPOINTS_GATEWAY_PORT"] = str(self.gateway_port)
        return commands.others() | mine

    def call(self, name: str, command: list[str]) -> list[str]:
        return [*commands.SHADOWPOINTS, *map(self.here, command)]

    def run(self, name: str, *more: str) -> str:
        """A one-shot service, to its end."""
        command = [*self.call(name, SERVICES[name]["command"]), *more]
        return commands.output_of(command, self.environment(name), 120)

    def running(self, name: str, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A service in the background; SIGTERM at the end, as compose stops it."""
        command = self.call(name, SERVICES[name]["command"])
        return commands.running(command, self.environment(name), log)

    def is_healthy(self, name: str) -> bool:
        """The service's own health check."""
        kind, *test = SERVICES[name]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            command = ["sh", "-c", self.here(test[0])]
        elif test[0] == "shadowpoints":
            command = self.call(name, test[1:])
        else:
            command = [self.here(word) for word in test]
        environment = self.environment(name) if name in self.ports else None
        return subprocess.run(command, env=environment, capture_output=True).returncode == 0


@pytest.mark.timeout(480)
async def test_it_runs_the_sample_day(new_kafka: Callable[[], KafkaServer], tmp_path: Path) -> None:
    kafka = new_kafka()
    with ComposeRedis() as redis:
        stack = Stack(kafka, redis)
        assert not stack.is_healthy("worker-1")
        assert "created shadow.resolved" in stack.run("topics")
        with (
            stack.running("worker-1", tmp_path / "1.log"),
            stack.running("worker-2", tmp_path / "2.log"),
            stack.running("gateway", tmp_path / "gateway.log"),
        ):
            waiting = Cluster(kafka.bootstrap, redis.url, "shadowpoints", tmp_path)
            for name in stack.ports:
                healthy = lambda name=name: stack.is_healthy(name)  # noqa: E731
                await waiting.until(healthy, 40, f"{name} does not become healthy")
            summary = stack.run("sample", "--events", "2000", "--consumers", "200")
            assert "checks" in summary
            assert all(stack.is_healthy(name) for name in stack.ports)


def test_the_health_checks_of_the_servers_tell_up_from_down(kafka_server: KafkaServer) -> None:
    """Redis' check as it stands; the broker's with the tool which its script starts."""
    (shell,) = SERVICES["redis"]["healthcheck"]["test"][1:]
    with ComposeRedis() as redis:
        port = str(urlsplit(redis.url).port)
        check = shell.replace("redis-cli", f"redis-cli -p {port}")
        assert subprocess.run(["sh", "-c", check]).returncode == 0
    assert subprocess.run(["sh", "-c", check], capture_output=True).returncode != 0
    script, *arguments = SERVICES["kafka"]["healthcheck"]["test"][1:]
    assert script.endswith("/kafka-topics.sh")  # which runs the class below
    words = [a.replace("kafka:9092", kafka_server.bootstrap) for a in arguments]
    kafka_server.java("org.apache.kafka.tools.TopicCommand", *words)
