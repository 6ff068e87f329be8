# SPDX-License-Identifier: Apache-2.0
"""What every implementation of the shared values does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from stream.tables import TablesUnavailable
from stream.tables.redis_cache import RedisValues
from stream.tables.shared_cache import MemoryValues, SharedValues
from tests.services.process import free_ports

LONG_MS = 600_000


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.integration),
        pytest.param("cluster", marks=pytest.mark.integration),
    ]
)
async def values(request: pytest.FixtureRequest) -> AsyncIterator[SharedValues]:
    found: SharedValues
    if request.param == "memory":
        found = MemoryValues()
    elif request.param == "redis":
        found = RedisValues(request.getfixturevalue("redis_url"))
    else:
        members = request.getfixturevalue("cluster_members")
        found = RedisValues(members[0].url, cluster=True)
    yield found
    await found.close()


async def test_a_value_is_kept_replaced_and_deleted(values: SharedValues, namespace: str) -> None:
    assert await values.get(namespace) is None
    await values.set(namespace, b"\x00one", LONG_MS)
    await values.set(namespace, b"two", LONG_MS)
    assert await values.get(namespace) == b"two"
    await values.delete(namespace)
    await values.delete(namespace)
    assert await values.get(namespace) is None


async def test_one_caller_sets_what_is_absent(values: SharedValues, namespace: str) -> None:
    assert await values.set_if_absent(namespace, b"mine", LONG_MS)
    assert not await values.set_if_absent(namespace, b"yours", LONG_MS)
    assert await values.get(namespace) == b"mine"
    await values.delete(namespace)
    assert await values.set_if_absent(namespace, b"yours", LONG_MS)


async def test_a_count_begins_at_one(values: SharedValues, namespace: str) -> None:
    assert [await values.increment(namespace, 600) for _ in range(3)] == [1, 2, 3]
    assert await values.get(namespace) == b"3"


async def test_what_has_expired_is_absent(values: SharedValues, namespace: str) -> None:
    one, two, three = (f"{namespace}.{name}" for name in "abc")
    await values.set(one, b"1", 20)
    assert await values.set_if_absent(two, b"1", 20)
    assert await values.increment(three, 1) == await values.increment(three, 900) - 1 == 1
    deadline_s = time.monotonic() + 10
    while any([await values.get(key) for key in (one, two, three)]):
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.05)
    assert await values.set_if_absent(two, b"2", LONG_MS)
    assert await values.increment(three, 1) == 1


async def test_a_server_that_is_away_is_told_by_name() -> None:
    (port,) = free_ports(1)
    away = RedisValues(f"redis://127.0.0.1:{port}/0")
    with pytest.raises(TablesUnavailable, match=r"^Redis does not answer \(ConnectionError\)$"):
        await away.increment("a", 1)
    await away.close()
