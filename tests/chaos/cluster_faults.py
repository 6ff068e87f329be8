# SPDX-License-Identifier: Apache-2.0
"""What happens to a Redis Cluster. Its replication is asynchronous: a failover may forget.

A replica which is promoted has a prefix of what its master did, so that a partition's position
goes back together with its state; the worker's next commit, or its check, finds another position
than its own, and the log is applied again from there.
"""

from __future__ import annotations

import asyncio
import contextlib

from redis.exceptions import MovedError

from stream.tables.keys import META_APPLIED, partition_keys
from tests.chaos.faults import WORKER_FAULTS
from tests.chaos.stage import Fault, Stage
from tests.services.redis_cluster import ClusterNode, RedisCluster

_BEHIND_S = 2.0


async def master_killed(stage: Stage) -> None:
    """``kill -9`` of a master; its replica takes over, and it comes back as that one's replica."""
    redis, master, replica = _nodes(stage)
    await _killed_and_replaced(stage, master, replica)
    await asyncio.to_thread(master.start)
    await asyncio.to_thread(redis.wait_until_healthy)


async def stale_replica_promoted(stage: Stage) -> None:
    """The same with a replica cut off for a while before: what it has not replicated is lost."""
    redis, master, replica = _nodes(stage)
    # A password which nobody asks for: the replica's handshake fails, and its data grow old.
    replica.ask("CONFIG", "SET", "masterauth", "wrong")
    master.ask("CLIENT", "KILL", "TYPE", "replica")
    await asyncio.sleep(_BEHIND_S)
    await _killed_and_replaced(stage, master, replica)
    replica.ask("CONFIG", "SET", "masterauth", "")
    await asyncio.to_thread(master.start)
    await asyncio.to_thread(redis.wait_until_healthy)


async def master_frozen(stage: Stage) -> None:
    """A zombie master: thawed after its replica took over, it acts on what it finds waiting."""
    redis, master, replica = _nodes(stage)
    master.pause()
    await _promoted(redis, replica)
    await asyncio.sleep(1)
    master.resume()
    await asyncio.to_thread(redis.wait_until_healthy)


async def failover(stage: Stage) -> None:
    """``CLUSTER FAILOVER`` by hand: the slots move, and nothing is lost."""
    redis, _, replica = _nodes(stage)
    replica.ask("CLUSTER", "FAILOVER")
    await _promoted(redis, replica)
    await asyncio.to_thread(redis.wait_until_healthy)


async def masters_emptied(stage: Stage) -> None:
    """Everything in all masters is gone."""
    redis, *_ = _nodes(stage)
    for master in redis.masters():
        master.ask("FLUSHALL")
    await asyncio.sleep(0)


def _nodes(stage: Stage) -> tuple[RedisCluster, ClusterNode, ClusterNode]:
    """The cluster, a master which serves some partition, and its replica."""
    redis = stage.redis
    assert isinstance(redis, RedisCluster)
    partition = stage.random.randrange(stage.cluster.partitions)
    master = redis.master_of(partition_keys(stage.cluster.namespace, partition).meta)
    return redis, master, redis.replica_of(master)


async def _killed_and_replaced(stage: Stage, master: ClusterNode, replica: ClusterNode) -> None:
    assert isinstance(stage.redis, RedisCluster)
    done = _positions(stage, master)
    await asyncio.to_thread(master.kill)
    replicated = _positions(stage, replica)  # at once: without its master it soon answers no more
    stage.went_back += sum(max(0, done[p] - replicated.get(p, 0)) for p in done)
    await _promoted(stage.redis, replica)


async def _promoted(redis: RedisCluster, replica: ClusterNode) -> None:
    await asyncio.to_thread(redis.wait_until, lambda: replica in redis.masters(), "not promoted")


def _positions(stage: Stage, node: ClusterNode) -> dict[int, int]:
    """The number of records applied in each partition which this node has, as it sees it."""
    found = {}
    for partition in range(stage.cluster.partitions):
        key = partition_keys(stage.cluster.namespace, partition).meta
        with contextlib.suppress(MovedError):
            applied = node.ask("HGET", key, META_APPLIED.decode())
            found[partition] = int(applied or -1) + 1
    return found


CLUSTER_FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *WORKER_FAULTS,
        *(master_killed, failover, stale_replica_promoted, master_frozen, masters_emptied),
    )
}
