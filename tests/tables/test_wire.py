from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Connection

from stream.tables.wire import PackedConnection

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
