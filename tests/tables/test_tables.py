from __future__ import annotations

import pytest

from stream.tables import MemoryTables, RedisTables, open_tables


async def test_the_address_chooses_the_tables() -> None:
    assert isinstance(open_tables("memory://", partitions=1), MemoryTables)
    for address in ("redis://localhost", "rediss://localhost:6380/1"):
        tables = open_tables(address, partitions=1)
        assert isinstance(tables, RedisTables)
        await tables.close()


def test_any_other_address_is_refused() -> None:
    with pytest.raises(ValueError, match="redis://"):
        open_tables("http://localhost", partitions=1)
