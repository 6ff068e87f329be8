# SPDX-License-Identifier: Apache-2.0
"""The store in memory: ``memory://``."""

from __future__ import annotations

from stream.tables.memory import MemoryTables
from stream.tables.shared_cache import MemoryValues
from stream.tables.store import Options, Store

ADDRESS = "memory://"


def _address(url: str) -> str | None:
    return url if url == ADDRESS else None


def _tables(_: str, options: Options) -> MemoryTables:
    return MemoryTables(options.partitions)


def _values(_url: str, _options: Options) -> MemoryValues:
    return MemoryValues()


STORE = Store(
    schemes=("memory",),
    forms=ADDRESS,
    description=f"{ADDRESS} (which forgets everything at exit)",
    shared=False,
    login=False,
    address=_address,
    tables=_tables,
    values=_values,
)
