# SPDX-License-Identifier: Apache-2.0
"""Publishing events from the benchmark's own process, with librdkafka."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import Producer

from benchmarks.events import Record


def producer(bootstrap: str, linger_ms: int = 20) -> Producer:
    """Partitions are chosen as Kafka's Java client does."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 0,  # that the broker ends at the end is no news
            "enable.idempotence": True,  # else what is sent again may be out of order
            "linger.ms": linger_ms,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def publish(bootstrap: str, prefix: str, records: Iterable[Record]) -> None:
    """All records in order, acknowledged; raises ``RuntimeError`` if the broker takes one not."""
    out = producer(bootstrap)
    for topic, key, value, headers in records:
        send(out, prefix + topic, key, value, headers)
    left = out.flush(120)
    if left:
        raise RuntimeError(f"{left} records were not acknowledged")


def send(
    out: Producer, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    """One record; waits while the buffer is full."""
    while True:
        try:
            out.produce(topic, value, key, headers=headers)  # type: ignore[arg-type]
            return
        except BufferError:
            out.poll(0.05)
