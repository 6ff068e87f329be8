# SPDX-License-Identifier: Apache-2.0
"""When no commit can be made, on real servers: said as it is, and gone when it is over."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from stream.tables import Commit, Committed, TablesUnavailable, Write
from stream.tables.redis import RedisTables
from tests.services.redis import RedisServer

pytestmark = pytest.mark.integration

NewRedis = Callable[[str], RedisServer]


@asynccontextmanager
async def owned(server: RedisServer) -> AsyncIterator[tuple[RedisTables, Any]]:
    """Tables of which one partition is claimed, and an administrator."""
    tables, admin = RedisTables(server.url, "sp", 2), Redis.from_url(server.url)
    try:
        await tables.open()
        await tables.claim([0], 1, "test")
        assert await tables.trouble() == ""
        yield tables, admin
    finally:
        await tables.close()
        await admin.aclose()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    end_s = time.monotonic() + 20
    while not await condition():
        assert time.monotonic() < end_s
        await asyncio.sleep(0.05)


async def test_a_replica_takes_no_commit(new_redis: NewRedis) -> None:
    server = new_redis("no")
    async with owned(server) as (tables, admin):
        await admin.replicaof("127.0.0.1", 1)
        assert "must lead to the primary" in await tables.trouble()
        assert await tables.ready()
        await admin.replicaof("NO", "ONE")
        assert await tables.trouble() == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [("maxmemory", "raise maxmemory"), ("min-replicas-to-write", "min-replicas-to-write")],
)
async def test_full_memory_or_too_few_replicas_take_no_commit(
    name: str, words: str, new_redis: NewRedis
) -> None:
    async with owned(new_redis("no")) as (tables, admin):
        await admin.config_set(name, 1)
        assert words in await tables.trouble()
        await admin.config_set(name, 0)
        assert await tables.trouble() == ""


class OnSmallDisk(RedisServer):
    """Lives on when a file cannot grow, as it does on a full disk."""

    def _command(self) -> list[str]:
        return ["sh", "-c", 'trap \'\' XFSZ; exec "$0" "$@"', *super()._command()]


async def test_a_full_disk_takes_no_commit() -> None:
    with OnSmallDisk() as server:
        async with owned(server) as (tables, admin):
            limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (65_536, limits[1]))

            async def reported() -> bool:
                with suppress(ResponseError):
                    await admin.set("filler", bytes(16_384))
                return "give it room" in await tables.trouble()

            await until(reported)
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)

            async def over() -> bool:
                return await tables.trouble() == ""

            await until(over)


async def test_a_server_which_is_gone_does_not_answer(new_redis: NewRedis) -> None:
    server = new_redis("no")
    async with owned(server) as (tables, _):
        server.kill()
        assert await tables.trouble() == "Redis does not answer"
        await tables.check()  # that is no reason to end
        server.start()
        assert await tables.trouble() == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("maxmemory-policy", "allkeys-lru", "allkeys-lru"), ("appendonly", "no", "append-only file")],
)
async def test_what_is_changed_under_way_is_seen(
    name: str, value: str, words: str, new_redis: NewRedis, caplog: pytest.LogCaptureFixture
) -> None:
    async with owned(new_redis("no")) as (tables, admin):
        await tables.check()
        await admin.config_set(name, value)
        assert words in await tables.trouble()
        with pytest.raises(TablesUnavailable, match=words):
            await tables.check()
    assert [entry.levelname for entry in caplog.records] == ["ERROR"]
    assert words in caplog.text


async def test_what_was_evicted_is_seen_though_the_policy_is_as_it_was(
    new_redis: NewRedis, caplog: pytest.LogCaptureFixture
) -> None:
    server = new_redis("no")
    async with owned(server) as (tables, admin):
        for number in range(300):
            await admin.set(f"filler:{number}", bytes(2_048))
        await admin.config_set("maxmemory-policy", "allkeys-random")
        await admin.config_set("maxmemory", int((await admin.info())["used_memory"]) - 100_000)
        await admin.get("filler:1")  # any command makes room
        await admin.config_set("maxmemory", 0)
        await admin.config_set("maxmemory-policy", "noeviction")
        assert (await admin.info())["evicted_keys"]

        with pytest.raises(TablesUnavailable, match=r"has evicted \d+ keys since this process"):
            await tables.check()

        caplog.clear()
        later = RedisTables(server.url, "sp", 2)
        await later.open()
        await later.check()
        await later.close()
    (entry,) = caplog.records
    assert entry.levelname == "ERROR"
    assert "since it was started" in entry.getMessage()


async def test_a_look_at_what_can_be_written_changes_nothing(new_redis: NewRedis) -> None:
    async with owned(new_redis("no")) as (tables, _):
        claim = (await tables.claim([0], 1, "test"))[0]
        await tables.trouble()
        commit = Commit(0, claim.epoch, -1, 0, 1, {"a": Write(b"1")})
        assert await tables.commit([commit]) == [Committed(0)]
        await tables.trouble()
        assert await tables.entities(0) == {"a": b"1"}
        assert await tables.positions([0, 1]) == {0: (claim.epoch, 0)}
