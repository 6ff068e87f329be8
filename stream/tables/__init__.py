"""State of the partitions: the interface, one implementation in Redis and one in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stream.tables.base import (
    NOTHING_APPLIED,
    Claim,
    Commit,
    Committed,
    Fenced,
    Record,
    Tables,
    TablesUnavailable,
    View,
    Write,
)
from stream.tables.memory import MemoryTables
from stream.tables.redis import RedisTables

__all__ = [
    "NOTHING_APPLIED",
    "Claim",
    "Commit",
    "Committed",
    "Fenced",
    "MemoryTables",
    "Record",
    "RedisTables",
    "Tables",
    "TablesUnavailable",
    "View",
    "Write",
    "open_tables",
]


def open_tables(
    url: str,
    *,
    partitions: int,
    namespace: str = "sp",
    cluster: bool = False,
    require_aof: bool = True,
    on_retry: Callable[[Exception], None] | None = None,
    client_options: Mapping[str, Any] | None = None,
    secret_id: str = "",
) -> Tables:
    """The tables an address stands for; await ``open()`` before anything else.

    ``memory://`` is this process; ``redis://`` and ``rediss://`` are a Redis, or a Redis Cluster
    with ``cluster=True``. ``client_options`` are redis-py's: user, password, TLS. ``secret_id``
    stands for the erasure key; a store made with another one is refused.
    """
    if url == "memory://":
        return MemoryTables(partitions)
    return RedisTables(
        url,
        namespace,
        partitions,
        cluster=cluster,
        require_aof=require_aof,
        on_retry=on_retry,
        client_options=client_options,
        secret_id=secret_id,
    )
