"""The gateway on one core, beside the same server which publishes bodies and does nothing else.

    python -m benchmarks.gateway [--seconds S] [--rounds N] [--connections C]

The gateway has a core to itself; the client, which costs little, and the broker share the other.
Requests are signed (and sealed) as WeChat does, each for another person, and are answered once the
broker has acknowledged with acks=all. First as fast as answers come, then paced at half that rate,
where times mean something. CPU is that of the process, its kernel time included: where others use
the machine, too, the share of the core says how much of it was left, and CPU compares all the same.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop

from benchmarks.load import Answered, load
from benchmarks.machines import cpu_s
from benchmarks.senders import APPS, SECRETS, payments, pushes, write_keys
from stream.config.settings import PREFIX
from tests.services.kafka import KafkaServer
from tests.services.process import free_ports

GATEWAY_CORE, OTHER_CORE = 0, 1
_PEOPLE: Final = 2_000


@dataclass(frozen=True)
class Figures:
    """Of one server with one kind of request."""

    server: str
    requests: str
    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return (
            f"{self.server:8} {self.requests:9} {self.per_second:7,.0f}/s"
            f" with {self.per_second * self.cpu_us / 1e6:4.0%} of the core,"
            f" {self.cpu_us:4.0f} µs each; at half the rate"
            f" p50 {self.p50_ms:6.2f} ms, p99 {self.p99_ms:6.2f} ms"
        )


@dataclass(frozen=True)
class Server:
    """A process which listens."""

    name: str
    port: int
    pid: int


@contextmanager
def on_its_core(
    name: str, port: int, command: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """A process pinned to the gateway's core, until the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(GATEWAY_CORE), sys.executable, "-m", *command],
            env=os.environ | environment,
            stdout=out,
            stderr=out,
        )
    try:
        _wait(port, process, log)
        yield Server(name, port, process.pid)
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it listens."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(log.read_text())


@contextmanager
def both(kafka: KafkaServer, directory: Path) -> Iterator[tuple[Server, Server]]:
    """The gateway, and the bare server."""
    port, bare_port = free_ports(2)
    apps = directory / "apps.yaml"
    apps.write_text(APPS, "utf-8")
    write_keys(directory)
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "REDIS_URL": "memory://",
        "APPS": str(apps),
        "GATEWAY_PORT": str(port),
        "GATEWAY_OFFER_WITHIN_S": "0",
    }
    environment = {PREFIX + name: value for name, value in settings.items()} | SECRETS
    subprocess.run(
        [sys.executable, "-m", "stream.cli", "topics", "create"],
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )
    bare = ["benchmarks.bare", kafka.bootstrap, "wechat.pay", str(bare_port)]
    with (
        on_its_core("gateway", port, ["stream.cli", "gateway"], environment, directory / "g") as g,
        on_its_core("bare", bare_port, bare, {}, directory / "b") as b,
    ):
        yield g, b


async def measure(
    server: Server, kind: str, requests: list[bytes], seconds: float, rounds: int, connections: int
) -> Figures:
    """The best of the rounds; then half its rate."""
    best = 0.0
    cpu_us = float("inf")
    for _ in range(rounds):
        before = cpu_s(server.pid)
        found = await load(server.port, requests, connections=connections, seconds=seconds)
        _check(server, found)
        best = max(best, found.per_second)
        cpu_us = min(cpu_us, 1e6 * (cpu_s(server.pid) - before) / len(found.times_s))
    paced = await load(
        server.port, requests, connections=connections, seconds=seconds, rate=best / 2
    )
    _check(server, paced)
    p50, p99 = map(paced.percentile_ms, (0.5, 0.99))
    return Figures(server.name, kind, best, cpu_us, p50, p99)


def _check(server: Server, found: Answered) -> None:
    if found.refused:
        raise RuntimeError(f"{server.name} refused {found.refused} of {len(found.times_s)}")


async def run(seconds: float, rounds: int, connections: int) -> None:
    """Measure, and print a line for each."""
    with (
        TemporaryDirectory() as directory,
        KafkaServer() as kafka,
        both(kafka, Path(directory)) as servers,
    ):
        for kind, make in (("payments", payments), ("pushes", pushes)):
            figures = []
            for server in servers:
                # Signed anew, since a signature is good for some minutes only.
                requests = make(_PEOPLE, int(time.time()))
                await load(server.port, requests, connections=connections, seconds=2)
                found = await measure(server, kind, requests, seconds, rounds, connections)
                print(found, flush=True)
                figures.append(found)
            ours, theirs = figures
            print(
                f"         {kind:9} {ours.per_second / theirs.per_second:.2f} of the bare server's"
                f" rate, {theirs.cpu_us / ours.cpu_us:.2f} by CPU"
            )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="as fast as answers come")
    parser.add_argument("--connections", type=int, default=64)
    a = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})  # the broker inherits it
    uvloop.run(run(a.seconds, a.rounds, a.connections))


if __name__ == "__main__":
    main()
