# SPDX-License-Identifier: Apache-2.0
"""The servers of a benchmark, and the CPU time of processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    NewTopic,
    OffsetSpec,
)

from tests.services.kafka import KafkaServer
from tests.services.redis import RedisServer

#: Long enough for a worker to stand still while its input is published.
SESSION_TIMEOUT_S: Final = 300
_WARM_UP_BATCHES: Final = 500
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Machines:
    """A broker and a Redis, and what is asked of them."""

    kafka: KafkaServer
    redis: RedisServer
    directory: Path
    admin: AdminClient

    @property
    def bootstrap(self) -> str:
        return self.kafka.bootstrap

    def redis_url(self, database: int) -> str:
        return self.redis.url.rpartition("/")[0] + f"/{database}"

    def create_topics(self, configs: Mapping[str, Mapping[str, str]], partitions: int) -> None:
        """Topics with their configuration, one replica each."""
        new = [
            NewTopic(name, num_partitions=partitions, replication_factor=1, config=dict(config))
            for name, config in configs.items()
        ]
        for future in self.admin.create_topics(new).values():
            future.result()

    def delete_topics(self, prefix: str) -> None:
        """All topics whose names begin so."""
        names = [name for name in self.admin.list_topics(timeout=10).topics if prefix in name]
        if names:
            for future in self.admin.delete_topics(names, operation_timeout=30).values():
                future.result()

    def ends(self, topics: list[str], partitions: int) -> dict[tuple[str, int], int]:
        """The next offset of each partition."""
        every = (TopicPartition(t, p) for t in topics for p in range(partitions))
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = dict.fromkeys(every, latest)
        found = self.admin.list_offsets(wanted)
        return {(tp.topic, tp.partition): future.result().offset for tp, future in found.items()}


def _warm_up(machines: Machines) -> None:
    """Let the broker compile its code, or whoever came first would pay a second of CPU for it."""
    name = "warm-up"
    machines.create_topics({name: {}}, 1)
    out = Producer({"bootstrap.servers": machines.bootstrap, "log_level": 0, "linger.ms": 0})
    group = {"bootstrap.servers": machines.bootstrap, "group.id": name, "log_level": 0}
    consumer = Consumer(group)
    consumer.assign([TopicPartition(name, 0, 0)])
    value, headers = bytes(300), [(f"header-{n}", b"value") for n in range(6)]
    for _ in range(_WARM_UP_BATCHES):
        for _ in range(50):
            out.produce(name, value, b"key", headers=headers)  # type: ignore[arg-type]
        out.flush()
        consumer.consume(1000, timeout=0)
        consumer.commit(asynchronous=True)
    consumer.close()
    machines.delete_topics(name)


@contextmanager
def started() -> Iterator[Machines]:
    """Both servers, warmed up a little, on this machine."""
    with (
        KafkaServer() as kafka,
        RedisServer() as redis,
        tempfile.TemporaryDirectory(prefix="shadowpoints-benchmark-") as directory,
    ):
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        machines = Machines(kafka, redis, Path(directory), admin)
        _warm_up(machines)
        yield machines


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, its threads included; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
