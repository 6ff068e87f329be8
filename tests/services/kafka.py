# SPDX-License-Identifier: Apache-2.0
"""A real Apache Kafka broker (KRaft, one node) from Maven's jars; Docker is not needed.

`python -m tests.services.kafka` fetches the jars ahead of a test run, outside any test's time
limit. `KAFKA_VERSION` chooses another version than the pom states, from 3.9 on.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.services.process import LOOPBACK, Server, ServiceUnavailable, free_ports

_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache"
_RESOLVE_TIMEOUT_S = 600
_CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw"  # any 16 bytes in URL-safe base 64
CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"


def console_producer() -> str:
    """The main class of Kafka's own producer, which 4.0 has moved."""
    package = "kafka.tools" if kafka_version().startswith("3.") else "org.apache.kafka.tools"
    return f"{package}.ConsoleProducer"


def kafka_version() -> str:
    """Return the broker's version: the environment's, else the one which the pom states."""
    return os.environ.get("KAFKA_VERSION") or stated_version()


def stated_version() -> str:
    """Return the version in the pom, with which all tests run."""
    match = re.search(r"<kafka\.version>(.+?)</kafka\.version>", _POM.read_text("utf-8"))
    if match is None:
        raise ValueError("pom.xml states no kafka.version")
    return match[1]


def resolve_jars() -> Path:
    """Return the folder of jars, asking Maven once; raise `ServiceUnavailable` without it."""
    jars = _CACHE / f"kafka-{kafka_version()}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise ServiceUnavailable("Maven (mvn) is not installed and no Kafka jars are cached")
    _CACHE.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="kafka-", dir=_CACHE))
    command = [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"]
    command += [f"-Dkafka.version={kafka_version()}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_RESOLVE_TIMEOUT_S)
    if done.returncode != 0:
        shutil.rmtree(fresh)
        raise ServiceUnavailable(f"Maven could not fetch Kafka's jars:\n{done.stdout[-1_000:]}")
    try:
        fresh.rename(jars)  # only a whole folder ever gets the final name
    except OSError:  # another run was first
        shutil.rmtree(fresh)
    return jars


class KafkaServer(Server):
    """Broker and controller in one process; topics are created explicitly, as in production."""

    name: ClassVar[str] = "kafka"
    start_timeout_s: ClassVar[float] = 60.0
    stop_timeout_s: ClassVar[float] = 20.0

    def __init__(self) -> None:
        java = shutil.which("java")
        if java is None:
            raise ServiceUnavailable("Java is not installed")
        self._java = java
        self._jars = resolve_jars()
        super().__init__()
        self._config = self.directory / "server.properties"
        self._data = self.directory / "data"
        self._port = self._controller_port = 0

    @property
    def bootstrap(self) -> str:
        """Address for `bootstrap.servers`."""
        return f"{LOOPBACK}:{self._port}"

    def java(
        self, main_class: str, *args: str, stdin: str = "", timeout_s: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Kafka's own tools to its end; raise RuntimeError if it fails."""
        command = [*self._jvm(heap_mib=256), main_class, *args]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout_s
        )
        if done.returncode != 0:
            said = (done.stderr + done.stdout)[:2_000]  # the reason comes before the usage text
            raise RuntimeError(f"{main_class} exited with {done.returncode}\n{said}")
        return done

    def _jvm(self, heap_mib: int) -> list[str]:
        logging = "-Dorg.apache.logging.log4j.level=WARN"
        return [
            self._java, f"-Xmx{heap_mib}m", "-XX:+UseSerialGC", logging, "-cp", f"{self._jars}/*"
        ]  # fmt: skip

    def _prepare(self) -> None:
        self._port, self._controller_port = free_ports(2)
        shutil.rmtree(self._data, ignore_errors=True)
        lines = (f"{name}={value}\n" for name, value in self._properties().items())
        self._config.write_text("".join(lines), "utf-8")
        storage = ("format", "--standalone", "-t", _CLUSTER_ID, "-c", str(self._config))
        self.java("kafka.tools.StorageTool", *storage, *self._format_options())

    def _properties(self) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": controller,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            # Compaction, where a test's topic asks for it, does not wait 15 s.
            "log.cleaner.backoff.ms": "300",
            # A killed broker may register again once its old session has run out (9 s by default).
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "4000",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
        }

    def _format_options(self) -> list[str]:
        """Further settings of the storage tool."""
        return []

    def _client_options(self) -> dict[str, str]:
        """How librdkafka is let in as an administrator."""
        return {}

    def _command(self) -> list[str]:
        return [*self._jvm(heap_mib=512), "kafka.Kafka", str(self._config)]

    def _ready(self) -> bool:
        # The socket opens before the controller lets the broker serve; metadata says when.
        try:
            socket.create_connection((LOOPBACK, self._port), timeout=1.0).close()
            client = AdminClient(
                {"bootstrap.servers": self.bootstrap, "log_level": "0", **self._client_options()}
            )
            return bool(client.list_topics(timeout=2.0).brokers)
        except (OSError, KafkaException):
            return False


if __name__ == "__main__":
    try:
        print(f"Kafka {kafka_version()} jars: {len(list(resolve_jars().iterdir()))}")
    except ServiceUnavailable as unavailable:
        print(f"Kafka tests have no broker: {unavailable}")
