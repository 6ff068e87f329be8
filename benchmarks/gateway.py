# SPDX-License-Identifier: Apache-2.0
"""The gateway on one core, beside the same server which publishes bodies and does nothing else.

    python -m benchmarks.gateway [--forward | --against DIRECTORY] [--seconds S] [--rounds N]
                                 [--connections C]

The gateway has a core to itself; the client, which costs little, and the broker share the other.
Requests are signed (and sealed) as WeChat does, each for another person, and are answered once the
broker has acknowledged with acks=all. First as fast as answers come, then paced at half that rate,
where times mean something. CPU is that of the process, its kernel time included: where others use
the machine, too, the share of the core says how much of it was left, and CPU compares all the same.

With ``--forward`` the gateway stands beside itself with ``forward_to``: another process answers
what it hands on. Both are paced at half the rate of the one that forwards, by turns.

With ``--against`` it stands beside the gateway of another commit, a work tree of which is in the
directory (``git worktree add DIRECTORY COMMIT``); both take turns, and their CPU is compared.
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
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import uvloop

from benchmarks.load import Answered, load
from benchmarks.machines import cpu_s
from benchmarks.senders import SECRETS, apps_file, payments, pushes, reports, write_keys
from stream.config.settings import PREFIX
from tests.services.kafka import KafkaServer
from tests.services.process import free_ports

GATEWAY_CORE, OTHER_CORE = 0, 1
_PEOPLE: Final = 2_000
_HERE: Final = Path(__file__).parents[1]
REQUESTS: Final = {"payments": payments, "pushes": pushes}
#: A nonce is good for one request to ``/events``: so many must be ready for each second.
_REPORTS_PER_S: Final = 3_000


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
            f"{self.server:10} {self.requests:9} {self.per_second:7,.0f}/s"
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
    name: str,
    port: int,
    command: list[str],
    environment: Mapping[str, str],
    log: Path,
    core: int = GATEWAY_CORE,
    tree: Path = _HERE,
) -> Iterator[Server]:
    """A process pinned to a core, the gateway's unless said otherwise, until the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, "-m", *command],
            env=os.environ | environment,
            stdout=out,
            stderr=out,
            cwd=tree,
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
def gateway(
    name: str, kafka: KafkaServer, directory: Path, forward_to: str = "", tree: Path = _HERE
) -> Iterator[Server]:
    """A gateway of a work tree, and the topics it needs."""
    (port,) = free_ports(1)
    apps = directory / f"{name}.yaml"
    apps.write_text(apps_file(forward_to), "utf-8")
    write_keys(directory)
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "TOPIC_PREFIX": f"{name}.",
        "REDIS_URL": "memory://",
        "APPS": str(apps),
        "GATEWAY_PORT": str(port),
        "GATEWAY_OFFER_WITHIN_S": "0",
    }
    if (tree / "stream/gateway/endpoints/rate_limits.py").exists():  # older ones have no limit
        settings["GATEWAY_CLIENT_EVENTS_PER_S"] = "100000"
    environment = {PREFIX + name: value for name, value in settings.items()} | SECRETS
    subprocess.run(
        [sys.executable, "-m", "stream.cli", "topics", "create"],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        cwd=tree,
    )
    command = ["stream.cli", "gateway"]
    log = directory / f"{name}.log"
    with on_its_core(name, port, command, environment, log, tree=tree) as server:
        yield server


@contextmanager
def beside_bare(kafka: KafkaServer, directory: Path) -> Iterator[tuple[Server, Server]]:
    """The gateway, and the bare server."""
    (port,) = free_ports(1)
    bare = ["benchmarks.bare", kafka.bootstrap, "gateway.wechat.pay", str(port)]
    with (
        gateway("gateway", kafka, directory) as ours,
        on_its_core("bare", port, bare, {}, directory / "bare.log") as theirs,
    ):
        yield ours, theirs


@contextmanager
def beside_other(
    kafka: KafkaServer, directory: Path, tree: Path
) -> Iterator[tuple[Server, Server]]:
    """The gateway, and that of another work tree."""
    with (
        gateway("gateway", kafka, directory) as ours,
        gateway("other", kafka, directory, tree=tree) as theirs,
    ):
        yield ours, theirs


@contextmanager
def beside_itself(kafka: KafkaServer, directory: Path) -> Iterator[tuple[Server, Server]]:
    """The gateway that forwards, and the one that does not."""
    (port,) = free_ports(1)
    receiver, log = ["benchmarks.receiver", str(port)], directory / "receiver.log"
    with (
        on_its_core("receiver", port, receiver, {}, log, OTHER_CORE),
        gateway("forwarding", kafka, directory, f"http://127.0.0.1:{port}/") as forwarding,
        gateway("gateway", kafka, directory) as alone,
    ):
        yield forwarding, alone


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
    """Measure the gateway and the bare server, and print a line for each."""
    with (
        TemporaryDirectory() as directory,
        KafkaServer() as kafka,
        beside_bare(kafka, Path(directory)) as servers,
    ):
        for kind, make in REQUESTS.items():
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
                f"           {kind:9} {ours.per_second / theirs.per_second:.2f} of the bare"
                f" server's rate, {theirs.cpu_us / ours.cpu_us:.2f} by CPU"
            )


async def run_forwarding(seconds: float, rounds: int, connections: int) -> None:
    """Measure what a forward costs: rates, then times at one rate, by turns."""
    with (
        TemporaryDirectory() as directory,
        KafkaServer() as kafka,
        beside_itself(kafka, Path(directory)) as servers,
    ):
        for kind, make in REQUESTS.items():
            figures = []
            for server in servers:
                requests = make(_PEOPLE, int(time.time()))
                await load(server.port, requests, connections=connections, seconds=2)
                figures.append(await measure(server, kind, requests, seconds, rounds, connections))
                print(figures[-1], flush=True)
            rate, turns = figures[0].per_second / 2, dict[str, list[Answered]]()
            for server in servers * rounds:
                requests = make(_PEOPLE, int(time.time()))
                paced = await load(
                    server.port, requests, connections=connections, seconds=seconds, rate=rate
                )
                _check(server, paced)
                turns.setdefault(server.name, []).append(paced)
            on, off = (
                median(found.percentile_ms(0.99) for found in turns[server.name])
                for server in servers
            )
            print(
                f"           {kind:9} both at {rate:,.0f}/s: median p99 of {rounds} turns"
                f" {on:.2f} ms forwarding, {off:.2f} ms not: {on / off:.2f} times",
                flush=True,
            )


async def run_against(tree: Path, seconds: float, rounds: int, connections: int) -> None:
    """Measure the gateway and another's by turns, and print what a request costs each."""
    with (
        TemporaryDirectory() as directory,
        KafkaServer() as kafka,
        beside_other(kafka, Path(directory), tree) as servers,
    ):
        for kind in (*REQUESTS, "reports"):
            cpu_us: dict[str, list[float]] = {server.name: [] for server in servers}
            for turn in range(rounds + 1):
                for server in servers:
                    now_s = int(time.time())
                    if kind == "reports":
                        requests = reports(round(seconds * _REPORTS_PER_S), now_s)
                    else:
                        requests = REQUESTS[kind](_PEOPLE, now_s)
                    before = cpu_s(server.pid)
                    found = await load(
                        server.port, requests, connections=connections, seconds=seconds
                    )
                    _check(server, found)
                    if turn:  # the first warms up
                        spent_s = cpu_s(server.pid) - before
                        cpu_us[server.name].append(1e6 * spent_s / len(found.times_s))
            ours, theirs = (median(cpu_us[server.name]) for server in servers)
            print(
                f"{kind:9} {ours:4.0f} µs of CPU each, the other {theirs:4.0f} µs:"
                f" {theirs / ours:.2f} times the requests of a core"
                f" ({', '.join(f'{t / o:.2f}' for o, t in zip(*cpu_us.values(), strict=True))})",
                flush=True,
            )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="as fast as answers come")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--forward", action="store_true", help="beside itself with forward_to")
    parser.add_argument("--against", type=Path, metavar="DIRECTORY", help="of another commit")
    a = parser.parse_args()
    os.sched_setaffinity(0, {OTHER_CORE})  # the broker inherits it
    if a.against:
        uvloop.run(run_against(a.against, a.seconds, a.rounds, a.connections))
    else:
        measured = run_forwarding if a.forward else run
        uvloop.run(measured(a.seconds, a.rounds, a.connections))


if __name__ == "__main__":
    main()
