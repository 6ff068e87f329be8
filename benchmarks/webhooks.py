# SPDX-License-Identifier: Apache-2.0
"""How many events one process of the webhooks delivers to a receiver that takes all at once.

    python -m benchmarks.webhooks [--events N] [--consumers C] [--requests R]

The events are on the broker before it starts, on all partitions; the receiver, in this process,
verifies nothing and replies 204. Seconds are from its first request to its last, CPU is that of
the process, its kernel time included. It has a core to itself; receiver and broker share the other.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
import uvloop
from aiokafka import AIOKafkaProducer

import schemas
from benchmarks.machines import cpu_s
from schemas import binary_headers
from stream.addressing.partitioning import entity_partition
from stream.addressing.topics import TopicNames
from stream.config.settings import PREFIX
from tests.services.kafka import KafkaServer
from tests.services.receiver import SECRET
from tests.support import commands
from tests.support.commands import SHADOWPOINTS

Process = Popen[bytes]
WEBHOOKS_CORE, OTHER_CORE = 0, 1
_PARTITIONS: Final = 8
_REPLY: Final = b"HTTP/1.1 204 No Content\r\n\r\n"
_EXAMPLE: Final = Path(schemas.__file__).parent / "examples" / "offer.issued.v1.json"


class Taker(asyncio.Protocol):
    """Replies to each request of a connection: no more HTTP than aiohttp's client speaks."""

    first_s = last_s = 0.0
    first_cpu_s = last_cpu_s = 0.0
    taken = wanted = pid = 0

    def connection_made(self, transport: Any) -> None:
        self._transport, self._got = transport, b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._got = b""
        now_s = time.perf_counter()
        if not Taker.taken:
            Taker.first_s, Taker.first_cpu_s = now_s, cpu_s(Taker.pid)
        Taker.taken += 1
        if Taker.taken == Taker.wanted:
            Taker.last_s, Taker.last_cpu_s = now_s, cpu_s(Taker.pid)
        self._transport.write(_REPLY)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])


async def publish(bootstrap: str, events: int, consumers: int) -> None:
    """Offers of so many consumers in turn, as workers publish them."""
    data = orjson.dumps(orjson.loads(_EXAMPLE.read_bytes())["data"])
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=20, compression_type="gzip"
    ) as producer:
        for number in range(events):
            subject, id_ = f"union.abc-brand.u{number % consumers:027}", f"{number:032x}"
            headers = binary_headers(
                "offer.issued.v1", id_, "urn:shadowpoints:bench", 1_767_225_600_000, subject
            )
            partition = entity_partition(subject, _PARTITIONS)
            await producer.send(
                TopicNames().webhooks[0], data, id_.encode(), partition, headers=headers
            )


def start(kafka: KafkaServer, directory: Path, port: int, requests: int) -> Callable[[], Process]:
    """Make the topics; returns what starts the process."""
    secret = directory / "secret"
    secret.write_text(SECRET)
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "PARTITIONS": str(_PARTITIONS),
        "WEBHOOK_URL": f"http://127.0.0.1:{port}/",
        "WEBHOOK_SECRET_FILE": str(secret),
        "WEBHOOK_REQUESTS_MAX": str(requests),
    }
    environment = os.environ | {PREFIX + name: value for name, value in settings.items()}
    commands.output_of([*SHADOWPOINTS, "topics", "create"], environment)
    pinned = ["taskset", "-c", str(WEBHOOKS_CORE), *SHADOWPOINTS, "webhooks"]
    return partial(commands.start, pinned, environment, directory / "log")


async def run(events: int, consumers: int, requests: int) -> None:
    """Measure, and print a line."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Taker, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with TemporaryDirectory() as directory, KafkaServer() as kafka:
        new_process = start(kafka, Path(directory), port, requests)
        await publish(kafka.bootstrap, events, consumers)
        Taker.wanted = events
        process = new_process()
        try:
            Taker.pid = process.pid
            while not Taker.last_s:
                if process.poll() is not None:
                    raise RuntimeError((Path(directory) / "log").read_text())
                await asyncio.sleep(0.1)
        finally:
            process.terminate()
            process.wait()
    seconds, cpu = Taker.last_s - Taker.first_s, Taker.last_cpu_s - Taker.first_cpu_s
    print(
        f"{events:,} events of {consumers:,} consumers, {requests} requests at once: "
        f"{(events - 1) / seconds:,.0f}/s with {cpu / seconds:.0%} of the core, "
        f"{1e6 * cpu / (events - 1):.0f} µs each"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks")
    parser.add_argument("--events", type=int, default=30_000)
    parser.add_argument("--consumers", type=int, default=3_000)
    parser.add_argument("--requests", type=int, default=32)
    a = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})  # the broker inherits it
    uvloop.run(run(a.events, a.consumers, a.requests))


if __name__ == "__main__":
    main()
