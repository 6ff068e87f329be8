# SPDX-License-Identifier: Apache-2.0
"""Run a Kafka broker inside this process: librdkafka's mock cluster, from ``confluent-kafka``.

It is for the demo and for wiring tests. It keeps records in memory and only the newest ones (about
5 MiB a partition), replicates nothing, and cannot be asked to create topics.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

try:
    from confluent_kafka import Consumer, Producer, TopicPartition
except ImportError as error:  # an optional dependency
    raise ImportError(
        "The embedded broker needs confluent-kafka: pip install 'shadowpoints[demo]'"
    ) from error

PARTITIONS = 4  # of every topic: librdkafka's default, which cannot be changed from Python
_TIMEOUT_S = 10.0


class RecordsLost(Exception):
    """The broker dropped records before they were read: the day is too large for it."""


class EmbeddedBroker:
    """Runs in a ``with`` block; ``bootstrap`` is its address on the loopback interface."""

    def __init__(self) -> None:
        # The brokers are threads of this client, and end with it. Nothing is written to disk.
        self._client = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        found = self._client.list_topics(timeout=_TIMEOUT_S).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in found)
        self._topics: tuple[str, ...] = ()

    def create_topics(self, topics: Iterable[str]) -> None:
        """Create topics by requesting their metadata until they exist."""
        self._topics = tuple(topics)
        deadline = time.monotonic() + _TIMEOUT_S
        for topic in self._topics:
            while not self._exists(topic):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"The embedded broker does not create {topic}.")
                time.sleep(0.02)

    def check_nothing_lost(self) -> None:
        """Raise :class:`RecordsLost` if a partition no longer has its first record."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "watermarks", "log_level": 0}
        )
        try:
            for topic in self._topics:
                for partition in range(PARTITIONS):
                    at = TopicPartition(topic, partition)
                    first, _ = consumer.get_watermark_offsets(at, timeout=_TIMEOUT_S)
                    if first > 0:
                        raise RecordsLost(
                            f"The embedded broker dropped {first} records of {topic}-{partition}: "
                            "it keeps about 5 MiB a partition. Take fewer --events, or real "
                            "servers with --kafka and --redis."
                        )
        finally:
            consumer.close()

    def close(self) -> None:
        """Stop the broker; open connections are closed."""
        self._client.flush(0)
        del self._client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _exists(self, topic: str) -> bool:
        metadata = self._client.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
        return metadata.error is None and len(metadata.partitions) == PARTITIONS
