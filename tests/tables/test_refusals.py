# SPDX-License-Identifier: Apache-2.0
"""What Redis and Valkey refuse, on real servers: a sentence which names the setting or command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from stream.config.settings import PREFIX, load_settings
from stream.tables import TablesUnavailable
from stream.tables.redis import RedisTables
from stream.tables.refusals import why_refused
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.tables.servers import ClusterMember, ConfiguredRedis


@contextmanager
def server_with(options: dict[str, str]) -> Iterator[ConfiguredRedis]:
    try:
        server = ConfiguredRedis(options)
    except ServiceUnavailable as reason:
        unavailable(str(reason))
    with server:
        yield server


async def use(url: str) -> None:
    """Open, and do what a worker and the commands do."""
    tables = RedisTables(url, "sp", 1)
    try:
        await tables.open()
        await tables.claim([0], 1, "test")
        await tables.counts([0])
    finally:
        await tables.close()


def shown(error: str) -> str:
    return why_refused(ResponseError(error))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("EVALSHA", "command EVALSHA"),
        ("SCRIPT", "command SCRIPT"),
        ("HGETALL", "command HGETALL"),
        ("GET", "command GET"),
        ("HMGET", "a command which our scripts call"),
    ],
)
async def test_a_command_which_is_renamed_is_named(command: str, named: str) -> None:
    # One argument: the server reads "--rename-command NAME OTHER" as three words.
    options = {f"rename-command {command}": f"no-{command}"}
    with server_with(options) as server, pytest.raises(TablesUnavailable) as caught:
        await use(server.url)
    assert named in str(caught.value)
    assert "{sp.0}" not in str(caught.value)


@pytest.mark.integration
@pytest.mark.parametrize("command", ["evalsha", "script|load", "hgetall", "get"])
async def test_a_command_which_the_user_may_not_run_is_named(command: str) -> None:
    with server_with({}) as server:
        with Redis.from_url(server.url) as client:
            client.execute_command(
                "ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", f"-{command}"
            )
        with pytest.raises(TablesUnavailable) as caught:
            await use(server.url.replace("redis://", "redis://worker:secret@"))
    assert f"the command {command.upper().replace('|', ' ')}:" in str(caught.value)
    assert "docs/security.md" in str(caught.value)


@pytest.mark.integration
async def test_a_database_which_is_not_there_is_said() -> None:
    said = pytest.raises(TablesUnavailable, match=r"no database .* SHADOWPOINTS_REDIS_URL")
    with server_with({}) as server, said:
        await use(server.url.removesuffix("/0") + "/99")


@pytest.mark.integration
async def test_a_cluster_is_recognised(cluster_members: list[ClusterMember]) -> None:
    with pytest.raises(TablesUnavailable, match="set SHADOWPOINTS_REDIS_CLUSTER=true"):
        await use(cluster_members[0].url)


@pytest.mark.integration
async def test_a_socket_of_this_machine_will_do() -> None:
    with server_with({"unixsocket": "redis.sock"}) as server:
        given = f"unix://{server.directory}/redis.sock?db=2"
        url = load_settings({PREFIX + "REDIS_URL": given}).redis_url
        await use(url)
        with Redis.from_url(f"{server.url.removesuffix('/0')}/2") as client:
            assert client.get("sp:partitions") == b"1"


def test_what_a_reply_quotes_is_not_shown() -> None:
    quoted = "with args beginning with: '{sp.0}:e:union.abc.oMei' "
    assert "oMei" not in shown(f"unknown command 'EVALSHA', {quoted}")
    assert "oMei" not in shown(f"unknown command '{'oMei' * 20}', {quoted}")
    assert "oMei" not in shown(f"WRONGTYPE {quoted}")
    assert "oMei" not in why_refused(NoPermissionError(quoted))


def test_an_unknown_refusal_has_the_code_and_what_to_check() -> None:
    assert shown("WRONGTYPE Operation against a key") == (
        "Redis refused a command (WRONGTYPE): check that it is a Redis or Valkey of version 7.0 "
        "or later, and that nothing else writes under SHADOWPOINTS_NAMESPACE"
    )
