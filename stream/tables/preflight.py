"""What a Redis server must be like before state is trusted to it.

Each fact is read from ``INFO``, else from ``CONFIG GET``: which of the two a service allows
differs. A fact which neither tells is taken on trust, with a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from redis.exceptions import ResponseError

from stream.tables.base import TablesUnavailable

#: Runs one command on one server; ``CONFIG GET`` and ``INFO`` answer with a mapping.
Ask = Callable[..., Awaitable[object]]

VERSION_MIN = (7, 0)

logger = logging.getLogger(__name__)


async def check_server(ask: Ask, *, cluster: bool, require_aof: bool) -> None:
    """Raises ``TablesUnavailable`` with a sentence for a server unfit to keep state."""
    info = await _mapping(ask, "INFO")
    _check_version(info.get("redis_version"))
    _check_mode(info.get("redis_mode"), cluster)
    policy = info.get("maxmemory_policy") or await _config(ask, "maxmemory-policy")
    aof = _aof(info.get("aof_enabled")) or await _config(ask, "appendonly")
    _check_eviction(policy)
    _check_aof(aof, require_aof)


def _check_version(version: str | None) -> None:
    parts = (version or "").split(".")[:2]
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        if (int(parts[0]), int(parts[1])) >= VERSION_MIN:
            return
        wanted = ".".join(map(str, VERSION_MIN))
        raise TablesUnavailable(f"Redis {version} is too old: {wanted} or later is needed")
    logger.warning("the version of Redis cannot be read: it is taken on trust")


def _check_mode(mode: str | None, cluster: bool) -> None:
    if mode == "cluster" and not cluster:
        raise TablesUnavailable("this Redis is a cluster: open it with cluster=True")


def _check_eviction(policy: str | None) -> None:
    if policy is None:
        logger.warning("maxmemory-policy cannot be read: it must be noeviction")
    elif policy != "noeviction":
        raise TablesUnavailable(
            f"Redis runs with maxmemory-policy {policy} and would drop accounts when memory is "
            "short: set maxmemory-policy noeviction"
        )


def _check_aof(aof: str | None, require_aof: bool) -> None:
    if not require_aof or aof == "yes":
        return
    if aof is None:
        logger.warning("appendonly cannot be read: it must be yes")
        return
    raise TablesUnavailable(
        "Redis runs without its append-only file, and snapshots alone lose acknowledged writes "
        "in a crash: set appendonly yes, or open with require_aof=False where the service is "
        "durable by other means"
    )


def _aof(enabled: str | None) -> str | None:
    return {"0": "no", "1": "yes"}.get(enabled or "")


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
