# SPDX-License-Identifier: Apache-2.0
"""A real Redis Cluster: every master has a replica which takes over when the master dies."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar, Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.process import LOOPBACK, Server, ServiceUnavailable, free_ports
from tests.services.redis import RedisServer

MASTERS = 3
NODE_TIMEOUT_MS = 2_000
_HEALTHY_WITHIN_S = 60.0
_ONCE = Retry(NoBackoff(), 0)


class ClusterNode(RedisServer):
    """One node; its bus port is a free one instead of its own plus 10,000."""

    name: ClassVar[str] = "redis-node"

    def __init__(self, appendfsync: Literal["always", "everysec", "no"]) -> None:
        super().__init__(appendfsync)
        self._bus_port = 0

    @property
    def port(self) -> int:
        return self._port

    def _prepare(self) -> None:
        self._port, self._bus_port = free_ports(2)

    def _command(self) -> list[str]:
        options = {
            "cluster-enabled": "yes",
            "cluster-port": str(self._bus_port),
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-allow-replica-migration": "no",  # each master keeps its one replica
            "repl-diskless-sync-delay": "0",
        }
        pairs = ((f"--{name}", value) for name, value in options.items())
        return [*super()._command(), *(word for pair in pairs for word in pair)]

    def ask(self, *command: str) -> Any:
        """The node's own answer, a replica's too; ``redis.RedisError`` while it does not serve."""
        with redis.Redis(
            LOOPBACK,
            self._port,
            socket_timeout=2.0,
            retry=_ONCE,
            decode_responses=True,
            single_connection_client=True,
        ) as client:
            client.execute_command("READONLY")
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        return str(self.ask("CLUSTER", "MYID"))

    @property
    def replication(self) -> dict[str, Any]:
        """``INFO replication``."""
        answer: dict[str, Any] = self.ask("INFO", "replication")
        return answer


class RedisCluster:
    """Three masters and their replicas; a context manager.

    The methods block; an async test calls them through `asyncio.to_thread`.
    """

    def __init__(self, appendfsync: Literal["always", "everysec", "no"] = "everysec") -> None:
        cli = shutil.which("redis-cli")
        if cli is None:
            raise ServiceUnavailable("redis-cli is not installed")
        self._cli = cli
        self.nodes = [ClusterNode(appendfsync) for _ in range(2 * MASTERS)]
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Address of the node to ask first."""
        return self.nodes[0].url

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            addresses = [f"{LOOPBACK}:{node.port}" for node in self.nodes]
            create = [self._cli, "--cluster", "create", *addresses, "--cluster-replicas", "1"]
            done = subprocess.run(
                [*create, "--cluster-yes"], capture_output=True, text=True, timeout=60
            )
            if done.returncode != 0:
                raise RuntimeError(f"redis-cli --cluster create failed\n{done.stdout[-1_000:]}")
            self.wait_until_healthy()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def masters(self) -> list[ClusterNode]:
        """Every node which serves slots and answers, as the nodes themselves see it."""
        return [node for node in self.nodes if _role(node) == "master"]

    def replica_of(self, master: ClusterNode) -> ClusterNode:
        """The replica which follows this master."""
        for node in self.nodes:
            if _role(node) == "slave" and node.replication["master_port"] == master.port:
                return node
        raise LookupError("the master has no replica")

    def master_of(self, key: str) -> ClusterNode:
        """The master which serves a key."""
        slot = int(self.nodes_answering()[0].ask("CLUSTER", "KEYSLOT", key))
        for first, last, (_, port, *_), *_ in self.nodes_answering()[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError("nobody serves the slot")

    def nodes_answering(self) -> list[ClusterNode]:
        return [node for node in self.nodes if _role(node)]

    def wait_until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Raise ``RuntimeError`` when it takes long; a node which is away is no error."""
        deadline = time.monotonic() + _HEALTHY_WITHIN_S
        while True:
            try:
                if condition():
                    return
            except (redis.RedisError, LookupError):
                pass  # a node which starts, or is about to change its role
            if time.monotonic() > deadline:
                tails = (f"--- {node.port}\n{node.log_tail()[-800:]}" for node in self.nodes)
                raise RuntimeError("\n".join((otherwise, *tails)))
            time.sleep(0.1)

    def wait_until_healthy(self) -> None:
        """Return when every slot is served and every master has a replica which keeps up."""
        self.wait_until(self._healthy, "the cluster does not become whole")

    def _healthy(self) -> bool:
        if len(self.masters()) != MASTERS:
            return False
        links = [node.replication.get("master_link_status", "up") for node in self.nodes]
        followers = [int(node.replication["connected_slaves"]) for node in self.masters()]
        states = ["cluster_state:ok" in _text(node.ask("CLUSTER", "INFO")) for node in self.nodes]
        return all(states) and set(links) == {"up"} and set(followers) == {1}


def _role(node: ClusterNode) -> str:
    """``master``, ``slave`` or, of a node which does not answer, nothing."""
    if node not in Server.running:
        return ""
    try:
        return str(node.ask("ROLE")[0])
    except redis.RedisError:
        return ""


def _text(answer: object) -> str:
    if isinstance(answer, dict):  # the client has parsed it
        return "\n".join(f"{name}:{value}" for name, value in answer.items())
    return str(answer)
