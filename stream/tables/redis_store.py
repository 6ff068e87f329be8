# SPDX-License-Identifier: Apache-2.0
"""The store in a Redis, a Valkey or a cluster of them. It imports the client when it is opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stream.tables.store import Options, Store

if TYPE_CHECKING:
    from stream.tables.redis import RedisTables
    from stream.tables.redis_cache import RedisValues

_DATABASE = re.compile(r"(/\d*)?")
_QUERY_DATABASE = re.compile(r"(db=\d+)?")
_VALKEY = re.compile(r"^valkey(s?)://")


def _address(url: str) -> str | None:
    """The URL as redis-py takes it; Valkey's own schemes mean the same."""
    url = _VALKEY.sub(r"redis\1://", url)
    # An unescaped "/", "?" or "#" in a password puts the rest of it where nothing would mask it.
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            usable = not parts.netloc and len(parts.path) > 1 and not parts.fragment
            usable = usable and bool(_QUERY_DATABASE.fullmatch(parts.query))
        else:
            usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
            usable = usable and parts.port != 0 and bool(_DATABASE.fullmatch(parts.path))
            usable = usable and not (parts.query or parts.fragment)
    except ValueError:
        usable = False
    return url if usable else None


def _tables(url: str, options: Options) -> RedisTables:
    from stream.tables.redis import RedisTables

    return RedisTables(
        url,
        options.namespace,
        options.partitions,
        cluster=options.cluster,
        append_only=options.append_only,
        on_retry=options.on_retry,
        client_options=options.client_options,
        secret_id=options.secret_id,
        read_only=options.read_only,
    )


def _values(url: str, options: Options) -> RedisValues:
    from stream.tables.redis_cache import RedisValues

    return RedisValues(url, cluster=options.cluster, client_options=options.client_options)


STORE = Store(
    schemes=("redis", "rediss", "valkey", "valkeys", "unix"),
    forms="redis://host:port/0, rediss://host:port/0 (or valkey://, valkeys://), "
    "unix:///path/of/socket?db=0",
    description="redis://, rediss:// (TLS), unix:// (a socket)",
    shared=True,
    login=True,
    address=_address,
    tables=_tables,
    values=_values,
)
