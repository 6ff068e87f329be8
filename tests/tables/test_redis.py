# SPDX-License-Identifier: Apache-2.0
"""Faults between the worker and a real Redis: every commit lands exactly once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from stream.tables import (
    NOTHING_APPLIED,
    Commit,
    Committed,
    Fenced,
    Record,
    TablesUnavailable,
    Write,
)
from stream.tables.base import RESUME_KEPT_S
from stream.tables.keys import resume_key
from stream.tables.redis import RedisTables
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.services.redis import RedisServer
from tests.tables.servers import ClusterMember, ConfiguredRedis, proxy_to, send_again

pytestmark = pytest.mark.integration

PARTITIONS = 2
ENTITY = "union.abc-brand.oAbCdEf"


@asynccontextmanager
async def opened(url: str, namespace: str = "sp", **more: Any) -> AsyncIterator[RedisTables]:
    tables = RedisTables(url, namespace, PARTITIONS, **more)
    await tables.open()
    try:
        yield tables
    finally:
        await tables.close()


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[Any]:
    client = Redis.from_url(url)
    try:
        yield client
    finally:
        await client.aclose()


def numbered(epoch: int, offset: int, partition: int = 0) -> Commit:
    """The commit of one record: its entity, its output, its count."""
    name = str(offset).encode()
    writes, outputs = {f"tx.{offset}": Write(name)}, [Record("shadow.ledger", name, name)]
    step = (partition, epoch, offset - 1, offset, offset)
    return Commit(*step, writes, outputs, counts={"applied": 1})


async def assert_applied(tables: RedisTables, commits: int, partition: int = 0) -> None:
    names = [str(offset).encode() for offset in range(commits)]
    claim = (await tables.claim([partition], 1_000, "checker"))[partition]
    assert claim.applied_offset == commits - 1
    assert [output.value for output in claim.pending] == names
    assert await tables.counts([partition]) == {"applied": commits}
    assert sorted((await tables.entities(partition)).values()) == sorted(names)


# -- the network --------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["request", "reply"])
async def test_a_commit_lands_once_on_bad_links(redis_url: str, namespace: str, lost: str) -> None:
    retries: list[Exception] = []
    async with (
        proxy_to(redis_url) as proxy,
        opened(proxy.url, namespace, on_retry=retries.append) as tables,
    ):
        claims = await tables.claim([0, 1], 1, "worker-1")
        for offset in range(5):
            proxy.lose = lost if offset % 2 else None
            pair = [numbered(claim.epoch, offset, p) for p, claim in claims.items()]
            assert await tables.commit(pair) == [Committed(offset), Committed(offset)]
        assert len(retries) == 2
        for partition in claims:
            await assert_applied(tables, 5, partition)


async def test_a_tick_lands_once_when_the_reply_is_lost(redis_url: str, namespace: str) -> None:
    async with proxy_to(redis_url) as proxy, opened(proxy.url, namespace) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        outputs = [Record("shadow.offers", b"", b"lapsed")]
        step = (0, claim.epoch, NOTHING_APPLIED, NOTHING_APPLIED, 0)
        tick = Commit(*step, outputs=outputs, counts={"ticks": 1})
        for number in range(4):
            proxy.lose = "reply"
            assert await tables.commit([tick]) == [Committed(number)]
            assert proxy.lose is None
        assert await tables.counts([0]) == {"ticks": 4}


async def test_a_claim_survives_a_lost_reply(redis_url: str, namespace: str) -> None:
    async with proxy_to(redis_url) as proxy, opened(proxy.url, namespace) as tables:
        proxy.lose = "reply"
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        assert len(proxy.calls) == 2
        assert await tables.commit([numbered(claim.epoch, 0)]) == [Committed(0)]


async def test_late_copies_of_requests_change_nothing(redis_url: str, namespace: str) -> None:
    """A frozen server reads on thawing what was sent on connections given up long ago."""
    async with proxy_to(redis_url) as proxy, opened(proxy.url, namespace) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        tick = Commit(0, claim.epoch, NOTHING_APPLIED, NOTHING_APPLIED, 0, counts={"ticks": 1})
        await tables.commit([tick])
        await tables.commit([tick])
        for copy in list(proxy.calls):
            assert await send_again(redis_url, copy)
        assert await tables.counts([0]) == {"ticks": 2}
        await tables.commit([numbered(claim.epoch, 0)])
        assert len(proxy.calls) == 4
        for copy in proxy.calls:
            assert await send_again(redis_url, copy)
        assert await tables.counts([0]) == {"ticks": 2, "applied": 1}
        assert await tables.commit([numbered(claim.epoch, 1)]) == [Committed(1)]


async def test_killed_connections_are_replaced(redis_url: str, namespace: str) -> None:
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        stop = asyncio.Event()

        async def kill() -> None:
            while not stop.is_set():
                await admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                await asyncio.sleep(0.01)

        killer = asyncio.create_task(kill())
        try:
            for offset in range(100):
                answer = await tables.commit([numbered(claim.epoch, offset)])
                assert answer == [Committed(offset)]
        finally:
            stop.set()
            await killer
        await assert_applied(tables, 100)


# -- the server ---------------------------------------------------------------------------------


async def test_what_was_acknowledged_survives_kill_9(
    new_redis: Callable[[str], RedisServer],
) -> None:
    server = new_redis("always")
    retries: list[Exception] = []
    reached = {acknowledged: asyncio.Event() for acknowledged in (100, 300, 500)}
    async with opened(server.url, on_retry=retries.append) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        acknowledged = 0

        async def work() -> None:
            nonlocal acknowledged
            while acknowledged < 600:
                commit = numbered(claim.epoch, acknowledged)
                assert await tables.commit([commit]) == [Committed(acknowledged)]
                acknowledged += 1
                if acknowledged in reached:
                    reached[acknowledged].set()

        worker = asyncio.create_task(work())
        for event in reached.values():
            await event.wait()
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await worker
        assert len(retries) >= len(reached)
        await assert_applied(tables, 600)


async def test_a_frozen_server_is_waited_for(
    new_redis: Callable[[str], RedisServer], caplog: pytest.LogCaptureFixture
) -> None:
    server = new_redis("no")
    retries: list[Exception] = []
    tried_often = asyncio.Event()

    def on_retry(error: Exception) -> None:
        retries.append(error)
        if len(retries) >= 6:
            tried_often.set()

    async with opened(server.url, socket_timeout_s=0.2, on_retry=on_retry) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        server.pause()
        try:
            assert not await tables.ready()
            commit = asyncio.create_task(tables.commit([numbered(claim.epoch, 0)]))
            load = asyncio.create_task(tables.load({0: ["tx.0"]}))
            await tried_often.wait()
            assert not commit.done()
        finally:
            server.resume()
        assert await commit == [Committed(0)]
        assert await load in ({}, {"tx.0": b"0"})
        assert await tables.ready()
        await assert_applied(tables, 1)
    assert {entry.levelname for entry in caplog.records} == {"WARNING"}
    assert len(caplog.records) < len(retries)


async def test_waiting_ends_with_the_task(new_redis: Callable[[str], RedisServer]) -> None:
    server = new_redis("no")
    async with opened(server.url) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        server.kill()
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await tables.commit([numbered(claim.epoch, 0)])
        assert time.monotonic() - began_s < 2
        assert not await tables.ready()


async def filled(replica: Redis) -> None:
    """Until it has its primary's data. Valkey 9's WAIT counts one which is being filled, too."""
    end_s = time.monotonic() + 10
    while (await replica.info("replication"))["master_link_status"] != "up":
        assert time.monotonic() < end_s
        await asyncio.sleep(0.05)


async def test_a_fail_over_is_followed_though_old_connections_live_on(
    new_redis: Callable[[str], RedisServer],
) -> None:
    old, new = new_redis("no"), new_redis("no")
    async with (
        client_of(old.url) as old_admin,
        client_of(new.url) as new_admin,
        proxy_to(old.url) as proxy,
        opened(proxy.url) as tables,
    ):
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        await tables.commit([numbered(claim.epoch, 0)])
        await old_admin.config_set("repl-diskless-sync-delay", 0)
        await new_admin.replicaof("127.0.0.1", old.url.rpartition(":")[2].partition("/")[0])
        await filled(new_admin)
        await new_admin.replicaof("NO", "ONE")
        await old_admin.replicaof("127.0.0.1", new.url.rpartition(":")[2].partition("/")[0])
        proxy.target = new.url  # as a service's name would lead there
        async with asyncio.timeout(60):
            assert await tables.commit([numbered(claim.epoch, 1)]) == [Committed(1)]
        await assert_applied(tables, 2)


async def test_a_cancelled_call_leaves_no_reply_to_the_next(redis_url: str, namespace: str) -> None:
    async with opened(redis_url, namespace) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        for offset in range(40):
            call = asyncio.create_task(tables.commit([numbered(claim.epoch, offset)]))
            for _ in range(offset % 8):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert set(await tables.load({0: [f"tx.{offset}", "tx.none"]})) <= {f"tx.{offset}"}
            assert await tables.commit([numbered(claim.epoch, offset)]) == [Committed(offset)]
        await assert_applied(tables, 40)


async def test_scripts_are_loaded_again(redis_url: str, namespace: str) -> None:
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        await admin.script_flush()
        claims = await tables.claim([0, 1], 1, "worker-1")
        await admin.script_flush()
        pair = [numbered(claim.epoch, 0, partition) for partition, claim in claims.items()]
        assert await tables.commit(pair) == [Committed(0), Committed(0)]
        await assert_applied(tables, 1)


@pytest.fixture
def full_redis() -> Iterator[ConfiguredRedis]:
    """A server with room for its own needs and a megabyte or two."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(ConfiguredRedis({"maxmemory": "4mb"}))
        except ServiceUnavailable as reason:
            unavailable(str(reason))
        yield server


async def test_full_memory_stops_a_commit_before_its_first_write(
    full_redis: ConfiguredRedis, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = asyncio.Event()
    async with (
        client_of(full_redis.url) as admin,
        opened(full_redis.url, on_retry=lambda _: blocked.set()) as tables,
    ):
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        await tables.commit([numbered(claim.epoch, 0)])
        offset = 1

        async def work() -> None:
            nonlocal offset
            while not blocked.is_set():
                writes = {f"{ENTITY}{offset}": Write(bytes(100_000), due_ms=offset)}
                step = (0, claim.epoch, offset - 1, offset, 0)
                large = Commit(*step, writes, published_before=offset, counts={"large": 1})
                await tables.commit([large])
                offset += 1

        worker = asyncio.create_task(work())
        await asyncio.wait_for(blocked.wait(), 30)
        meta = await admin.hgetall("{sp.0}:m")
        assert (int(meta[b"a"]), int(meta[b"c:large"])) == (offset - 1, offset - 1)
        assert len(await tables.entities(0)) == offset  # reading goes on
        await admin.config_set("maxmemory", "0")
        await worker
        assert await tables.counts([0]) == {"applied": 1, "large": offset - 1}
    errors = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert errors
    assert all("maxmemory" in entry.getMessage() for entry in errors)
    assert ENTITY not in caplog.text


async def test_a_backup_does_not_hand_out_an_epoch_again(redis_url: str, namespace: str) -> None:
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        await tables.claim([0], 1, "worker-1")
        backup = await admin.dump(f"{{{namespace}.0}}:m")
        frozen = (await tables.claim([0], 1, "worker-1"))[0]
        await asyncio.sleep(0.01)
        await admin.restore(f"{{{namespace}.0}}:m", 0, backup, replace=True)
        successor = (await tables.claim([0], 1, "worker-2"))[0]
        assert successor.epoch > frozen.epoch
        (answer,) = await tables.commit([numbered(frozen.epoch, 0)])
        assert isinstance(answer, Fenced)


async def test_a_group_counting_anew_gets_in_after_a_minute(redis_url: str, namespace: str) -> None:
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        await tables.claim([0], 40, "worker-1")
        assert await tables.claim([0], 1, "worker-2") == {}
        await admin.hincrby(f"{{{namespace}.0}}:m", "e", -60_000)  # as if a minute had passed
        assert set(await tables.claim([0], 1, "worker-2")) == {0}


async def test_an_emptied_redis_fences_its_workers(redis_url: str, namespace: str) -> None:
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        claim = (await tables.claim([0], 1, "worker-1"))[0]
        await tables.commit([numbered(claim.epoch, 0)])
        for key in await admin.keys(f"{{{namespace}.0}}:*"):
            await admin.delete(key)
        (answer,) = await tables.commit([numbered(claim.epoch, 1)])
        assert isinstance(answer, Fenced)
        assert (await tables.claim([0], 1, "worker-1"))[0].applied_offset == NOTHING_APPLIED


# -- a cluster ----------------------------------------------------------------------------------


async def test_a_cluster_without_one_of_its_nodes_is_waited_for(
    cluster_members: list[ClusterMember], namespace: str
) -> None:
    partitions = 12  # over three nodes; a partition is in one slot
    failed = asyncio.Event()
    url = cluster_members[0].url
    tables = RedisTables(url, namespace, partitions, cluster=True, on_retry=lambda _: failed.set())
    await tables.open()
    try:
        claims = await tables.claim(range(partitions), 1, "worker-1")
        for offset, member in enumerate(cluster_members):
            commits = [numbered(claim.epoch, offset, p) for p, claim in claims.items()]
            failed.clear()
            await asyncio.to_thread(member.kill)
            commit = asyncio.create_task(tables.commit(commits))
            await failed.wait()
            assert not commit.done()
            await asyncio.to_thread(member.start)
            assert await commit == [Committed(offset)] * partitions
        for partition in range(partitions):
            await assert_applied(tables, len(cluster_members), partition)
    finally:
        await tables.close()


# -- what people may see ------------------------------------------------------------------------


async def test_an_unexpected_reply_names_neither_key_nor_value(
    redis_url: str, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(redis_url) as admin, opened(redis_url, namespace) as tables:
        await admin.set(f"{{{namespace}.0}}:m", "not a hash")
        commit = Commit(0, 1, 0, 1, 0, {ENTITY: Write(b"secret")})
        with pytest.raises(TablesUnavailable, match="WRONGTYPE") as caught:
            await tables.commit([commit])
        said = f"{caught.value}{caplog.text}"
        assert not any(word in said for word in (ENTITY, "secret", namespace))
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__  # a traceback shows no more than that


async def test_an_operators_word_is_forgotten_after_a_week(redis_url: str, namespace: str) -> None:
    async with opened(redis_url, namespace) as tables, client_of(redis_url) as admin:
        await tables.resume("wechat.pay", 3, 512)
        left_s = await admin.ttl(resume_key(namespace, "wechat.pay", 3))
    assert RESUME_KEPT_S - 60 < left_s <= RESUME_KEPT_S
