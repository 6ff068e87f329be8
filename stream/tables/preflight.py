# SPDX-License-Identifier: Apache-2.0
"""Check that a Redis server is fit to keep the state, at start and from then on.

Each fact is read from ``INFO``, else from ``CONFIG GET``: services differ in which they allow. A
fact that neither has is taken on trust, with a warning at start. Valkey and Redis are treated
alike: both say whether they are a cluster in ``cluster_enabled``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.exceptions import ResponseError

from stream.tables.base import TablesUnavailable

#: Runs one command on one server; ``CONFIG GET`` and ``INFO`` answer with a mapping.
Ask = Callable[..., Awaitable[object]]

VERSION_MIN = (7, 0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings require of a server."""

    cluster: bool
    append_only: bool  # else it keeps what it acknowledged by other means


@dataclass(frozen=True, slots=True)
class Server:
    """Facts about a server; None for those it does not give."""

    run: str  # another one after each start of the server
    version: str | None
    cluster: bool
    eviction: str | None  # its maxmemory-policy
    append_only: bool | None
    evicted_keys: int  # since its start


async def server_of(ask: Ask) -> Server:
    """Read the facts about a server."""
    info = await _mapping(ask, "INFO")
    eviction = info.get("maxmemory_policy") or await _config(ask, "maxmemory-policy")
    aof = info.get("aof_enabled") or await _config(ask, "appendonly")
    return Server(
        info.get("run_id", ""),
        info.get("redis_version"),
        info.get("cluster_enabled") == "1" or info.get("redis_mode") == "cluster",
        eviction or None,
        {"0": False, "no": False, "1": True, "yes": True}.get(aof or ""),
        int(info.get("evicted_keys", "0")),
    )


def check_server(server: Server, wanted: Wanted) -> None:
    """Raises ``TablesUnavailable`` with a sentence for a server unfit to keep state."""
    if _version(server.version) < VERSION_MIN:
        least = ".".join(map(str, VERSION_MIN))
        raise TablesUnavailable(f"Redis {server.version} is too old: {least} or later is needed")
    if server.cluster and not wanted.cluster:
        raise TablesUnavailable("this Redis is a cluster: set SHADOWPOINTS_REDIS_CLUSTER=true")
    if server.eviction not in (None, "noeviction"):
        raise TablesUnavailable(
            f"Redis runs with maxmemory-policy {server.eviction} and would drop accounts when "
            "memory is short: set maxmemory-policy noeviction"
        )
    if server.append_only is False and wanted.append_only:
        raise TablesUnavailable(
            "Redis runs without its append-only file, and snapshots alone lose acknowledged "
            "writes in a crash: set appendonly yes there, or SHADOWPOINTS_REDIS_DURABLE=elsewhere "
            "if the service keeps what it has acknowledged by other means"
        )


def warn_of(server: Server, wanted: Wanted) -> None:
    """Log what is taken on trust, and signs of earlier trouble."""
    if server.version is None:
        logger.warning("the version of Redis cannot be read: it is taken on trust")
    if server.eviction is None:
        logger.warning("maxmemory-policy cannot be read: it must be noeviction")
    if server.append_only is None and wanted.append_only:
        logger.warning(
            "appendonly cannot be read: it must be yes, or else set "
            "SHADOWPOINTS_REDIS_DURABLE=elsewhere if the service is durable by other means"
        )
    if server.evicted_keys:
        logger.error("%s", evicted(server.evicted_keys, "since it was started"))


def evicted(keys: int, since: str) -> str:
    """The error for evicted keys."""
    return (
        f"Redis has evicted {keys} keys {since}: if they were of this namespace, accounts are "
        "missing. Set maxmemory-policy noeviction, stop the workers, empty Redis, and let it be "
        "made from the log again"
    )


def _version(version: str | None) -> tuple[int, ...]:
    parts = (version or "").split(".")[:2]
    known = len(parts) == 2 and all(part.isdigit() for part in parts)
    return tuple(map(int, parts)) if known else VERSION_MIN


async def _config(ask: Ask, name: str) -> str | None:
    return (await _mapping(ask, "CONFIG GET", name)).get(name)


async def _mapping(ask: Ask, *command: str) -> dict[str, str]:
    try:
        answer = await ask(*command)
    except ResponseError:
        return {}  # forbidden by an ACL, or a service which knows no such command
    if not isinstance(answer, dict):
        return {}
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
