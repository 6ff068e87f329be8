"""Connections that pack commands with hiredis, as redis-py's blocking ones do.

Its asyncio connections build each command piece by piece in Python, at 0.4 µs an argument; a commit
has thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hiredis
from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection


def pack(command: Iterable[Any]) -> bytes:
    """A command as it goes over the wire; its name may be several words."""
    name, *arguments = command
    packed: bytes = hiredis.pack_command((*name.split(), *arguments))
    return packed


class _Packing:
    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack(args)]

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> list[bytes]:
        return [b"".join(map(pack, commands))]


class PackedConnection(_Packing, Connection):
    """Over TCP."""


class PackedSSLConnection(_Packing, SSLConnection):
    """Over TLS."""


class PackedUnixConnection(_Packing, UnixDomainSocketConnection):
    """Over a socket of this machine."""
