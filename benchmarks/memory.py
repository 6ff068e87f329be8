# SPDX-License-Identifier: Apache-2.0
"""How much of Redis a consumer takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import redis

_SLICE = 1000
_BLANK = "benchmark-blank"


@dataclass(frozen=True)
class Memory:
    """Bytes per consumer.

    ``beyond``: the values, with what MEMORY USAGE says above the same key with an empty value, by
    kind of entity: ``union`` and ``origin`` are people, ``tx`` their payments. ``keys``: the
    number of keys. ``whole``: what ``used_memory`` has grown by, with everything Redis adds.
    """

    touchpoints: int
    keys: float
    beyond: float
    by_kind: dict[str, float]
    whole: float


def used(url: str) -> int:
    """Bytes which Redis uses by now."""
    with redis.Redis.from_url(url) as client:
        return int(client.info("memory")["used_memory"])


def per_consumer(url: str, touchpoints: int, consumers: int, used_before: int) -> Memory:
    """Look at every entity of the one deployment in this database."""
    whole = used(url) - used_before
    beyond: Counter[str] = Counter()
    keys = 0
    with redis.Redis.from_url(url) as client:
        blank: dict[int, int] = {}
        for names in _slices(client):
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.memory_usage(name, samples=0)
            for name, size in zip(names, pipe.execute(), strict=True):
                if len(name) not in blank:
                    blank[len(name)] = _of_blank(client, len(name))
                kind = name.partition(b":e:")[2].partition(b".")[0].decode()
                beyond[kind] += size - blank[len(name)]
                keys += 1
    return Memory(
        touchpoints,
        keys / consumers,
        beyond.total() / consumers,
        {kind: size / consumers for kind, size in sorted(beyond.items())},
        whole / consumers,
    )


def _slices(client: redis.Redis) -> Iterator[list[bytes]]:
    names: list[bytes] = []
    for name in client.scan_iter(match="{*}:e:*", count=_SLICE):
        names.append(name)
        if len(names) == _SLICE:
            yield names
            names = []
    yield names


def _of_blank(client: redis.Redis, length: int) -> int:
    name = _BLANK.ljust(length, "-")[:length]
    client.set(name, b"")
    size = client.memory_usage(name, samples=0)
    client.delete(name)
    assert size is not None
    return int(size)
