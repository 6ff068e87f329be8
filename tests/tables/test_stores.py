# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

import pytest

from stream.tables import MemoryTables, Options, open_tables
from stream.tables.redis import RedisTables
from stream.tables.redis_cache import RedisValues
from stream.tables.shared_cache import MemoryValues
from stream.tables.stores import STORES, open_values, store_of

OPTIONS = Options(partitions=1)


async def test_the_address_chooses_the_store() -> None:
    assert isinstance(open_tables("memory://", OPTIONS), MemoryTables)
    assert isinstance(open_values("memory://", OPTIONS), MemoryValues)
    for address in ("redis://localhost", "rediss://localhost:6380/1", "valkey://localhost"):
        tables, values = open_tables(address, OPTIONS), open_values(address, OPTIONS)
        assert isinstance(tables, RedisTables)
        assert isinstance(values, RedisValues)
        await tables.close()
        await values.close()


@pytest.mark.parametrize("address", ["http://localhost", "memory://here", "redis:/x", "redis"])
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"^must be redis://host:port/0, .* or memory://$"):
        open_tables(address, OPTIONS)


def test_only_a_server_is_shared_and_asks_for_a_password() -> None:
    memory, server = store_of("memory://"), store_of("valkeys://redis:6380")
    assert (memory.shared, memory.login) == (False, False)
    assert (server.shared, server.login) == (True, True)


def test_no_scheme_has_two_stores() -> None:
    schemes = [scheme for store in STORES for scheme in store.schemes]
    assert len(schemes) == len(set(schemes))


def test_the_client_of_a_store_is_imported_when_it_is_opened() -> None:
    code = "import stream.config.settings, stream.tables, sys; print('redis' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"
