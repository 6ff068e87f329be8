# SPDX-License-Identifier: Apache-2.0
"""One store per test, of each kind, which any number of workers can open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from stream.tables import MemoryTables, Tables
from stream.tables.redis import RedisTables
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.tables.servers import ClusterMember, redis_cluster

PARTITIONS = 4

#: A worker's own way to the store which all workers of a test share.
Worker = Callable[[], Awaitable[Tables]]


@pytest.fixture(scope="session")
def cluster_members() -> Iterator[list[ClusterMember]]:
    """The nodes of the session's own cluster; a test which ends one must bring it back."""
    try:
        with redis_cluster() as members:
            yield members
    except ServiceUnavailable as reason:
        unavailable(str(reason))


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.integration),
        pytest.param("cluster", marks=pytest.mark.integration),
    ]
)
async def worker(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Worker]:
    opened: list[Tables] = []
    if request.param == "memory":
        memory = MemoryTables(PARTITIONS)

    async def open_one() -> Tables:
        tables: Tables
        if request.param == "memory":
            tables = memory
        elif request.param == "redis":
            tables = RedisTables(request.getfixturevalue("redis_url"), namespace, PARTITIONS)
        else:
            members = request.getfixturevalue("cluster_members")
            tables = RedisTables(members[0].url, namespace, PARTITIONS, cluster=True)
        await tables.open()
        opened.append(tables)
        return tables

    yield open_one
    for tables in opened:
        await tables.close()


@pytest.fixture
async def tables(worker: Worker) -> Tables:
    return await worker()
