# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from stream.tables import TablesUnavailable
from stream.tables.preflight import Wanted, check_server, server_of, warn_of
from stream.tables.redis import RedisTables
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.tables.servers import ConfiguredRedis

GOOD_INFO = {
    "redis_version": "7.4.1",
    "redis_mode": "standalone",
    "cluster_enabled": 0,
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "evicted_keys": 0,
}
GOOD_CONFIG = {"maxmemory-policy": "noeviction", "appendonly": "yes"}


class Answers:
    """What a server tells of itself; None: it may not be asked."""

    def __init__(self, info: dict[str, Any] | None, config: dict[str, str] | None) -> None:
        self.info = info
        self.config = config

    async def ask(self, *command: str) -> object:
        if command == ("INFO",):
            if self.info is None:
                raise NoPermissionError("no INFO")
            return self.info
        verb, name = command
        assert verb == "CONFIG GET"
        if self.config is None:
            raise ResponseError("unknown command")
        return {name.encode(): self.config[name].encode()}


async def check(answers: Answers, *, append_only: bool = True) -> None:
    wanted = Wanted(cluster=False, append_only=append_only)
    server = await server_of(answers.ask)
    check_server(server, wanted)
    warn_of(server, wanted)


@pytest.mark.parametrize(
    ("info", "config"),
    [
        (GOOD_INFO, GOOD_CONFIG),
        (GOOD_INFO, None),
        ({"redis_version": "7.0.0"}, GOOD_CONFIG),
        ({"redis_version": "10.0.0"}, GOOD_CONFIG),
    ],
)
async def test_a_fit_server_passes_without_a_word(
    info: dict[str, Any], config: dict[str, str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    await check(Answers(info, config))
    assert caplog.records == []


@pytest.mark.parametrize(
    ("info", "config", "sentence"),
    [
        ({"redis_version": "6.2.14"}, {}, "6.2.14 is too old: 7.0"),
        ({"maxmemory_policy": "allkeys-lru"}, {}, "maxmemory-policy allkeys-lru"),
        ({"aof_enabled": 0}, {}, "SHADOWPOINTS_REDIS_DURABLE=elsewhere"),
        ({"maxmemory_policy": ""}, {"maxmemory-policy": "volatile-ttl"}, "volatile-ttl"),
        ({"aof_enabled": ""}, {"appendonly": "no"}, "append-only"),
        ({"redis_mode": "cluster"}, {}, "SHADOWPOINTS_REDIS_CLUSTER=true"),
        # Valkey has no redis_mode.
        ({"redis_mode": "", "cluster_enabled": 1}, {}, "SHADOWPOINTS_REDIS_CLUSTER=true"),
    ],
)
async def test_unfit_servers(info: dict[str, Any], config: dict[str, str], sentence: str) -> None:
    answers = Answers(GOOD_INFO | info, GOOD_CONFIG | config)
    with pytest.raises(TablesUnavailable, match=sentence):
        await check(answers)


async def test_the_append_only_file_can_be_waived(caplog: pytest.LogCaptureFixture) -> None:
    await check(Answers(GOOD_INFO | {"aof_enabled": 0}, GOOD_CONFIG), append_only=False)
    await check(Answers(GOOD_INFO | {"aof_enabled": ""}, None), append_only=False)
    assert caplog.records == []


async def test_what_cannot_be_read_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    await check(Answers(None, None))
    said = [entry.getMessage().split()[0] for entry in caplog.records]
    assert said == ["the", "maxmemory-policy", "appendonly"]
    assert {entry.levelname for entry in caplog.records} == {"WARNING"}
    assert "SHADOWPOINTS_REDIS_DURABLE=elsewhere" in caplog.text


async def test_what_was_evicted_before_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    await check(Answers(GOOD_INFO | {"evicted_keys": 7}, GOOD_CONFIG))
    (entry,) = caplog.records
    assert entry.levelname == "ERROR"
    assert "evicted 7 keys since it was started" in entry.getMessage()


# -- on a real server ---------------------------------------------------------------------------


@contextmanager
def server_with(**options: str) -> Iterator[ConfiguredRedis]:
    try:
        server = ConfiguredRedis({name.replace("_", "-"): value for name, value in options.items()})
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    with server:
        yield server


def user_of(server: ConfiguredRedis, *forbidden: str) -> str:
    """The URL of a new user who may do all but this."""
    acl = ("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", *forbidden)
    with Redis.from_url(server.url) as client:
        client.execute_command(*acl)
    return server.url.replace("redis://", "redis://worker:secret@")


async def open_and_close(url: str, **more: Any) -> None:
    tables = RedisTables(url, "sp", 1, **more)
    try:
        await tables.open()
    finally:
        await tables.close()


@pytest.mark.integration
async def test_real_servers_are_refused_for_their_settings() -> None:
    with server_with(maxmemory_policy="allkeys-lru") as server:
        with pytest.raises(TablesUnavailable, match="allkeys-lru"):
            await open_and_close(server.url)
        with pytest.raises(TablesUnavailable, match="no cluster"):
            await open_and_close(server.url, cluster=True)
    with server_with(appendonly="no") as server:
        with pytest.raises(TablesUnavailable, match="snapshots alone lose"):
            await open_and_close(server.url)
        await open_and_close(server.url, append_only=False)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("forbidden", "refused"),
    [(["-config"], True), (["-info"], True), (["-config", "-info"], False)],
)
async def test_settings_are_found_with_few_permissions(forbidden: list[str], refused: bool) -> None:
    with server_with(maxmemory_policy="volatile-lru") as server:
        url = user_of(server, *forbidden)
        if refused:
            with pytest.raises(TablesUnavailable, match="volatile-lru"):
                await open_and_close(url)
        else:
            await open_and_close(url)
        with pytest.raises(TablesUnavailable, match="REDIS_PASSWORD"):
            await open_and_close(url.replace("secret", "guess"))


@pytest.mark.integration
async def test_a_user_who_may_not_run_scripts_is_reported() -> None:
    refused = pytest.raises(TablesUnavailable, match="the command SCRIPT LOAD")
    with server_with() as server, refused:
        await open_and_close(user_of(server, "-@scripting"))


async def test_nobody_there_is_reported_after_a_while() -> None:
    with pytest.raises(TablesUnavailable, match=r"within 0\.2 s"):
        await open_and_close("redis://127.0.0.1:1", open_timeout_s=0.2)


@pytest.mark.integration
async def test_the_number_of_partitions_is_chosen_once(redis_url: str, namespace: str) -> None:
    for partitions, works in ((4, True), (8, False), (4, True)):
        tables = RedisTables(redis_url, namespace, partitions)
        if works:
            await tables.open()
        else:
            with pytest.raises(TablesUnavailable, match="made for 4 partitions"):
                await tables.open()
        await tables.close()


@pytest.mark.integration
async def test_the_erasure_key_is_chosen_once(redis_url: str, namespace: str) -> None:
    first = RedisTables(redis_url, namespace, 4, secret_id="one")
    other = RedisTables(redis_url, namespace, 4, secret_id="two")
    none = RedisTables(redis_url, namespace, 4)
    try:
        await first.open()
        await first.open()
        for tables in (other, none):
            with pytest.raises(TablesUnavailable, match="another erasure key"):
                await tables.open()
    finally:
        for tables in (first, other, none):
            await tables.close()
