# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Connection

from stream.tables.wire import PackedConnection, connect

COMMANDS: list[tuple[Any, ...]] = [
    ("PING",),
    ("MGET", "{sp.1}:e:union.a.b", b"\x00\r\n", 7, "é"),
    ("SCRIPT LOAD", "return 1"),
    (b"SCRIPT LOAD", b"return 1"),
    ("EVALSHA", "0" * 40, 1, "key", b"", "x" * 100_000, -1),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_packed_as_the_client_does_it(command: tuple[Any, ...]) -> None:
    theirs = b"".join(Connection().pack_command(*command))
    assert b"".join(PackedConnection().pack_command(*command)) == theirs


def test_commands_follow_each_other() -> None:
    theirs = b"".join(Connection().pack_commands(COMMANDS))
    assert b"".join(PackedConnection().pack_commands(COMMANDS)) == theirs


@pytest.mark.integration
@pytest.mark.parametrize("cluster", [False, True], ids=["redis", "cluster"])
async def test_a_cancelled_task_ends_wherever_its_command_is(
    cluster: bool, request: pytest.FixtureRequest
) -> None:
    """In 400 tries the client's own connections lose 121 cancellations."""
    members = request.getfixturevalue("cluster_members") if cluster else []
    url = members[0].url if cluster else request.getfixturevalue("redis_url")
    client: Any = connect(url, cluster=cluster, timeout_s=60.0)

    async def ask_for_ever(key: str) -> None:
        while True:
            await client.get(key)
            if cluster:
                await client.nodes_manager.initialize()

    await client.get("k")
    for steps in range(400):
        asking = asyncio.create_task(ask_for_ever(f"k{steps}"))
        for _ in range(steps % 12):
            await asyncio.sleep(0)
        asking.cancel()
        _, going_on = await asyncio.wait([asking], timeout=30)
        assert not going_on, steps
    await client.aclose()
