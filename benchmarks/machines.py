"""The servers of a benchmark, and the CPU time of processes."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from tests.services.kafka import KafkaServer, kafka_version
from tests.services.redis import RedisServer

#: Long enough for a worker to stand still while its input is published.
SESSION_TIMEOUT_S: Final = 300
_NOT_YET: Final = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.GROUP_ID_NOT_FOUND,
)
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
        wanted = {place: OffsetSpec.latest() for place in every}
        found = self.admin.list_offsets(wanted)
        return {(tp.topic, tp.partition): future.result().offset for tp, future in found.items()}

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """What a consumer group has committed; nothing while its coordinator is not there yet."""
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        try:
            found = asked[group].result().topic_partitions or []
        except KafkaException as error:
            if error.args[0].retriable() or error.args[0].code() in _NOT_YET:
                return {}
            raise
        return {(tp.topic, tp.partition): tp.offset for tp in found}


@contextmanager
def started() -> Iterator[Machines]:
    """Both servers, warmed up a little, on this machine."""
    with (
        KafkaServer() as kafka,
        RedisServer() as redis,
        tempfile.TemporaryDirectory(prefix="shadowpoints-benchmark-") as directory,
    ):
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        yield Machines(kafka, redis, Path(directory), admin)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, its threads included; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def description() -> dict[str, str]:
    """On what the numbers were made."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": f"{os.cpu_count()} x {model}",
        "python": platform.python_version(),
        "kafka": kafka_version(),
        **{name: version(name) for name in ("faust-streaming", "aiokafka", "redis")},
    }
