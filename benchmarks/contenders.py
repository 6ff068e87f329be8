# SPDX-License-Identifier: Apache-2.0
"""The four which do the job: how each is deployed, started, and seen to have finished."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final

import redis
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from benchmarks.events import TOPICS
from benchmarks.machines import SESSION_TIMEOUT_S, Machines
from benchmarks.stages import RESET, WRITE
from stream.engine.model.decision import Channel
from tests.integration.cluster import Cluster

_ROOT: Final = Path(__file__).parents[1]
PEERS_PYTHON: Final = Path(os.environ.get("PEERS_PYTHON", _ROOT / ".venv-peers/bin/python"))
_LOG_TAIL: Final = 3_000
#: The group's coordinator is only being found.
_NOT_YET: Final = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)
#: No name of a topic or a group is ever used again: clients remember what was deleted.
_deployments: Final = itertools.count()
#: When an output was appended is when it was there; nobody's own clock counts.
_BY_BROKER: Final = {"message.timestamp.type": "LogAppendTime"}


class Worker:
    """A process under ``benchmarks.stages``."""

    def __init__(self, python: Path | str, module: list[str], env: dict[str, str], at: Path):
        at.mkdir(parents=True, exist_ok=True)
        self._stages, self._log = at / "stages.json", at / "worker.log"
        command = [str(python), "-m", "benchmarks.stages", str(self._stages), *module]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=_ROOT, env=env, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, what: int) -> None:
        self.process.send_signal(what)

    def check(self) -> None:
        """Raises ``RuntimeError`` if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"a worker ended\n{self.tail()}")

    def tail(self) -> str:
        return self._log.read_text("utf-8", "replace")[-_LOG_TAIL:]

    def stages(self) -> Path:
        """Ask for what was sampled; where it will be."""
        self._stages.unlink(missing_ok=True)
        self.signal(WRITE)
        end = time.monotonic() + 10
        while not self._stages.exists():
            self.check()
            if time.monotonic() > end:
                raise RuntimeError("the worker does not answer")
            time.sleep(0.05)
        return self._stages

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Contender(ABC):
    """One deployment: topics under a prefix of its own, a Redis database, workers."""

    name: str
    ledger: str
    offers: str

    def __init__(self, machines: Machines, partitions: int) -> None:
        self.machines, self.partitions = machines, partitions
        self.group = f"{self.name}{next(_deployments)}"
        self.prefix = f"{self.group}."
        self.directory = machines.directory / self.group
        self.workers: list[Worker] = []
        self._group: Consumer | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Create the topics."""

    @abstractmethod
    def worker(self, at: Path) -> Worker:
        """Start one."""

    @abstractmethod
    def at_rest(self) -> bool:
        """Whether all that was published has been dealt with, and that is committed."""

    @property
    @abstractmethod
    def database(self) -> int:
        """Of Redis."""

    def start(self, count: int = 1) -> None:
        for number in range(count):
            self.workers.append(self.worker(self.directory / f"worker-{number}"))

    def signal(self, what: int) -> None:
        for worker in self.workers:
            worker.signal(what)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Thaw the workers, their stage counts at zero."""
        self.signal(RESET)
        self.signal(signal.SIGCONT)

    def wait(self, timeout_s: float, every_s: float = 0.25) -> None:
        """Until it is at rest, seen twice; raises ``RuntimeError`` after the timeout."""
        end = time.monotonic() + timeout_s
        seen = 0
        while seen < 2:
            for worker in self.workers:
                worker.check()
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name} does not finish\n{self.workers[0].tail()}")
            time.sleep(every_s)
            seen = seen + 1 if self.at_rest() else 0

    def close(self) -> None:
        """Kill the workers, remove topics and keys."""
        for worker in self.workers:
            worker.kill()
        if self._group is not None:
            self._group.close()
        self.machines.delete_topics(self.prefix)
        url = self.machines.redis_url(self.database)
        with redis.Redis.from_url(url, socket_timeout=None) as client:
            client.flushdb()  # ten million keys take longer than a usual timeout

    def _committed(self, topics: list[str]) -> bool:
        """Whether the group has committed all there is in these topics."""
        if self._group is None:  # a member of nothing: it asks, and that is all
            servers = self.machines.bootstrap
            self._group = Consumer({"bootstrap.servers": servers, "group.id": self.group})
        ends = self.machines.ends(topics, self.partitions)
        wanted = [TopicPartition(topic, number) for (topic, number), end in ends.items() if end]
        try:
            found = self._group.committed(wanted, timeout=30) if wanted else []
        except KafkaException as error:
            if error.args[0].code() in _NOT_YET:
                return False
            raise
        return all(place.offset >= ends[place.topic, place.partition] for place in found)


class Shadowpoints(Contender):
    """This project's worker, as it is run in production, with the benchmark's rules."""

    name = "shadowpoints"
    database = 0

    def __init__(self, machines: Machines, partitions: int) -> None:
        super().__init__(machines, partitions)
        self.cluster = Cluster(
            machines.bootstrap,
            machines.redis_url(self.database),
            self.group,
            self.directory,
            partitions,
            {
                "RULES": str(_ROOT / "benchmarks/rules.yaml"),
                "SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
                "TICK_INTERVAL_S": "5",
            },
        )
        names = self.cluster.names
        self.ledger, self.offers = names.channel(Channel.LEDGER), names.channel(Channel.OFFERS)

    def prepare(self) -> None:
        configs = self.cluster.names.all()
        for name in (self.ledger, self.offers):
            configs[name] = configs[name] | _BY_BROKER
        self.machines.create_topics(configs, self.partitions)

    def worker(self, at: Path) -> Worker:
        return Worker(sys.executable, ["stream.cli", "worker"], self.cluster.environment, at)

    def at_rest(self) -> bool:
        names = self.cluster.names
        if not self._committed(list(names.sources)):
            return False
        ends = self.machines.ends([names.resolved], self.partitions)
        applied = self.cluster.applied()
        return all(applied[partition] == end - 1 for (_, partition), end in ends.items())


class Peer(Contender):
    """Another way to do the same; its code is in ``benchmarks/peers``."""

    module: str

    def __init__(self, machines: Machines, partitions: int) -> None:
        super().__init__(machines, partitions)
        self.ledger, self.offers = f"{self.prefix}ledger", f"{self.prefix}offers"
        self.between = [f"{self.prefix}keyed", f"{self.prefix}arrivals"]

    def prepare(self) -> None:
        topics: dict[str, dict[str, str]] = {f"{self.prefix}{name}": {} for name in TOPICS}
        topics |= {name: {} for name in self.between}
        topics |= {self.ledger: _BY_BROKER, self.offers: _BY_BROKER}
        self.machines.create_topics(topics, self.partitions)

    def worker(self, at: Path) -> Worker:
        env = {
            **os.environ,
            "BENCH_BOOTSTRAP": self.machines.bootstrap,
            "BENCH_REDIS": self.machines.redis_url(self.database),
            "BENCH_GROUP": self.group,
            "BENCH_PARTITIONS": str(self.partitions),
            "BENCH_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
            "BENCH_DIRECTORY": str(at),
        }
        arguments = ["worker"] if self.module.endswith("faust_stock") else []
        return Worker(PEERS_PYTHON, [self.module, *arguments], env, at)

    def at_rest(self) -> bool:
        return self._committed([*(f"{self.prefix}{name}" for name in TOPICS), *self.between])


class StockFaust(Peer):
    """Faust agents, one event at a time."""

    name = "faust"
    module = "benchmarks.peers.faust_stock"
    database = 1


class Quix(Peer):
    """Quix Streams with its own state."""

    name = "quix"
    module = "benchmarks.peers.quix"
    database = 2  # stays empty


class Plain(Peer):
    """A loop over aiokafka."""

    name = "plain"
    module = "benchmarks.peers.plain"
    database = 3


_Maker = Callable[[Machines, int], Contender]
CONTENDERS: Final[dict[str, _Maker]] = {
    "shadowpoints": Shadowpoints,
    "plain": Plain,
    "quix": Quix,
    "faust": StockFaust,
}
