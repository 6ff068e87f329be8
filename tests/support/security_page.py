# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/security.md, run as they stand there against servers of a test."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.services.process import LOOPBACK, ServiceUnavailable
from tests.services.secure import ADMIN, ADMIN_PASSWORD, SecureKafka, SecureRedis
from tests.support.commands import run

PAGE: Final = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
_SHELL: Final = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KAFKA_COMMANDS: Final = [text for text in _SHELL if re.search(r"^(allow|allow\(\)) ", text, re.M)]
_REDIS: Final = [text for text in _SHELL if text.startswith("redis-cli ")]
REDIS_COMMANDS: Final = [text for text in _REDIS if "+cluster" not in text]
CLUSTER_COMMANDS: Final = [text for text in _REDIS if "+cluster" in text]


def allow_in_kafka(kafka: SecureKafka, directory: Path) -> None:
    """Give the users of the page their rights."""
    _program(directory, "kafka-acls.sh", kafka.tool("org.apache.kafka.tools.AclCommand"))
    shutil.copy(kafka.admin_properties, directory)
    _run("\n".join(KAFKA_COMMANDS), directory, BROKERS=kafka.bootstrap)


def allow_in_redis(
    server: SecureRedis,
    directory: Path,
    *,
    worker: str,
    operator: str,
    resolver: str = "resolver",
    desk: str = "desk",
) -> None:
    """Make the users of the page, with these passwords."""
    admin = ["--tls", "--cacert", str(server.authority.ca), "--user", ADMIN]
    _redis_cli(directory, server.port, *admin)
    _run(
        "\n".join(REDIS_COMMANDS),
        directory,
        REDISCLI_AUTH=ADMIN_PASSWORD,
        WORKER_HASH=_hash(worker),
        OPERATOR_HASH=_hash(operator),
        RESOLVER_HASH=_hash(resolver),
        DESK_HASH=_hash(desk),
    )


def allow_in_cluster(ports: Iterable[int], directory: Path, *, worker: str, operator: str) -> None:
    """The same on the nodes of a cluster without TLS; ``default`` is switched off on none."""
    users = [text for text in REDIS_COMMANDS if "default off" not in text]
    hashes = {"WORKER_HASH": _hash(worker), "OPERATOR_HASH": _hash(operator)}
    hashes |= {"RESOLVER_HASH": _hash("resolver"), "DESK_HASH": _hash("desk")}
    for port in ports:
        _redis_cli(directory, port)
        _run("\n".join(users + CLUSTER_COMMANDS), directory, **hashes)


def _redis_cli(directory: Path, port: int, *options: str) -> None:
    program = shutil.which("redis-cli")
    if program is None:
        raise ServiceUnavailable("redis-cli is not installed")
    where = ["-e", "-h", LOOPBACK, "-p", str(port)]  # -e: an error is an exit code
    _program(directory, "redis-cli", [program, *where, *options])


def _hash(password: str) -> str:
    return sha256(password.encode()).hexdigest()


def _program(directory: Path, name: str, command: list[str]) -> None:
    path = directory / name
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
    path.chmod(0o755)


def _run(text: str, directory: Path, **variables: str) -> None:
    environment = os.environ | variables | {"PATH": f"{directory}:{os.environ['PATH']}"}
    done = run(["sh", "-eu", "-c", text], environment, 360, directory)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
