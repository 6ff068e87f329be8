# SPDX-License-Identifier: Apache-2.0
"""Redis over TLS with the rights of docs/security.md: enough for every call, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.exceptions import NoPermissionError

from stream.tables import Commit, Committed, Record, TablesUnavailable, Write
from stream.tables.redis import RedisTables
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.services.secure import Authority, SecureRedis
from tests.support.security_page import allow_in_cluster, allow_in_redis
from tests.tables.servers import ClusterMember

pytestmark = pytest.mark.integration

NAMESPACE = "shadowpoints"  # as on the page
PASSWORDS = {"shadowpoints-worker": "s3cret-worker", "shadowpoints-operator": "s3cret-operator"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRedis]:
    directory = tmp_path_factory.mktemp("redis")
    try:
        with SecureRedis() as running:
            worker, operator = PASSWORDS.values()
            allow_in_redis(running, directory, worker=worker, operator=operator)
            yield running
    except ServiceUnavailable as reason:
        unavailable(str(reason))


def login(server: SecureRedis, user: str) -> dict[str, Any]:
    return {"username": user, "password": PASSWORDS[user], "ssl_ca_certs": str(server.authority.ca)}


@asynccontextmanager
async def tables(server: SecureRedis, user: str, **more: Any) -> AsyncIterator[RedisTables]:
    options = login(server, user) | more
    opened = RedisTables(server.url, NAMESPACE, 2, client_options=options)
    try:
        await opened.open()
        yield opened
    finally:
        await opened.close()


async def everything(mine: RedisTables) -> None:
    """Every call of a worker, and every branch of the scripts."""
    claim = (await mine.claim([0], 1, "test"))[0]
    first, second = Write(b"1", due_ms=5), Write(b"2", ttl_s=60)
    output = Record("topic", b"key", b"value")
    commits = [
        Commit(0, claim.epoch, -1, 0, 1, {"a": first, "b": second}, [output], counts={"n": 1}),
        Commit(0, claim.epoch, 0, 1, 2, {"a": Write(None)}, [output], published_before=1),
        Commit(0, claim.epoch, 1, 2, 3, notes={"a": b"1"}, wakes={"b": 19}),
    ]
    for commit in commits:
        (answer,) = await mine.commit([commit])
        assert isinstance(answer, Committed)
    assert await mine.load({0: ["a", "b"]}) == {"b": b"2"}
    assert await mine.due(0, 10, 5) == []
    assert await mine.next_due([0, 1]) == {0: 19}
    assert await mine.due_after(0, 18, 5) == ["b"]
    assert await mine.notes([0, 1], "a") == {0: b"1"}
    (left,) = await mine.pending(0)
    assert await mine.drop_pending(0, left.sequence)
    assert await mine.ready()
    assert await mine.trouble() == ""
    await mine.check()
    assert await mine.resumed([("wechat.pay", 3)]) == {}


def used(admin: redis.Redis) -> set[str]:
    """The commands which ran, in scripts, too."""
    stats: dict[str, Any] = admin.info("commandstats")
    return {name.removeprefix("cmdstat_") for name, s in stats.items() if s["calls"]}


def granted(admin: redis.Redis, user: str) -> set[str]:
    rules: Any = admin.acl_getuser(user)
    return {name.removeprefix("+") for name in rules["commands"] if name.startswith("+")}


async def test_a_worker_has_the_rights_it_uses_and_no_others(server: SecureRedis) -> None:
    with server.admin() as admin:
        admin.acl_log_reset()
        admin.config_resetstat()
        async with tables(server, "shadowpoints-worker") as mine:
            await everything(mine)
        ours = used(admin) - {
            "acl|log",
            "acl|getuser",
            "config|resetstat",
            "auth",
            "client|setinfo",
        }
        denied = [entry for entry in admin.acl_log() if entry["object"] != "client|setinfo"]

        assert denied == []
        assert ours == granted(admin, "shadowpoints-worker")


async def test_the_rights_are_enough_on_a_cluster(
    cluster_members: list[ClusterMember], tmp_path: Path
) -> None:
    ports = [member.port for member in cluster_members]
    worker, operator = PASSWORDS.values()
    allow_in_cluster(ports, tmp_path, worker=worker, operator=operator)
    mine = RedisTables(
        cluster_members[0].url,
        NAMESPACE,
        2,
        cluster=True,
        client_options={"username": "shadowpoints-worker", "password": worker},
    )
    try:
        await mine.open()
        await everything(mine)
    finally:
        await mine.close()
    for port in ports:
        with redis.Redis(port=port, decode_responses=True) as admin:
            assert [e for e in admin.acl_log() if e["object"] != "client|setinfo"] == []


async def test_an_operator_reads_all_and_changes_nothing(server: SecureRedis) -> None:
    async with tables(server, "shadowpoints-worker") as workers:
        claim = (await workers.claim([1], 1, "test"))[1]
        writes = {"e": Write(b"1")}
        await workers.commit([Commit(1, claim.epoch, -1, 0, 1, writes, counts={"n": 3})])
        async with tables(server, "shadowpoints-operator") as operators:
            assert await operators.entities(1) == {"e": b"1"}
            assert (await operators.counts([1]))["n"] == 3
            with pytest.raises(TablesUnavailable, match="this user the command EVALSHA"):
                await operators.claim([1], 2, "test")


async def test_a_worker_reaches_no_other_namespace_nor_administration(server: SecureRedis) -> None:
    client: Any = redis.asyncio.Redis.from_url(server.url, **login(server, "shadowpoints-worker"))
    try:
        for command in (
            ("GET", "other:partitions"),
            ("SET", "{other.0}:m", "1"),
            ("KEYS", "*"),
            ("FLUSHALL",),
            ("CONFIG", "SET", "appendonly", "no"),
            ("ACL", "LIST"),
            ("EVAL", "return 1", "0"),
        ):
            with pytest.raises(NoPermissionError):
                await client.execute_command(*command)
    finally:
        await client.aclose()


async def test_nobody_is_let_in_without_a_name(server: SecureRedis) -> None:
    nameless = RedisTables(
        server.url, NAMESPACE, 2, client_options={"ssl_ca_certs": str(server.authority.ca)}
    )
    with pytest.raises(TablesUnavailable, match="REDIS_USERNAME"):
        await nameless.open()
    await nameless.close()


async def test_a_wrong_password_is_reported_at_once(server: SecureRedis) -> None:
    with pytest.raises(
        TablesUnavailable, match="REDIS_USERNAME, and SHADOWPOINTS_REDIS_PASSWORD"
    ) as caught:
        async with tables(server, "shadowpoints-worker", password="s3cret-wrong"):
            pass
    assert "s3cret" not in str(caught.value)


async def test_a_foreign_certificate_is_reported(server: SecureRedis, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    with pytest.raises(TablesUnavailable, match="certificate of Redis cannot be verified"):
        async with tables(server, "shadowpoints-worker", ssl_ca_certs=str(other.ca)):
            pass
