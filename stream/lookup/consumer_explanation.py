# SPDX-License-Identifier: Apache-2.0
"""Explain one consumer from what the tables hold."""

from __future__ import annotations

from typing import Any

from stream.addressing.partitioning import entity_partition
from stream.engine.audit.explain import explain
from stream.engine.audit.verify import origins_of
from stream.engine.model.state import Account, Origin
from stream.lookup.entity_reader import EntityReader
from stream.lookup.rules_in_force import book_of
from stream.tables import Tables


async def explanation(
    tables: Tables, partitions: int, key: str, as_of: int
) -> dict[str, Any] | None:
    """All that is stored of the consumer behind ``key``; ``None`` if unknown.

    In the form of ``stream.engine.audit.explain``, by the rules of its partition.
    """
    reader = EntityReader(tables, partitions)
    entity = await reader.entity(key)
    if isinstance(entity, Origin) and entity.bound:
        bound = await reader.entity(entity.bound)
        if isinstance(bound, Account):
            key, entity = entity.bound, bound
    if not isinstance(entity, (Account, Origin)):
        return None
    origins = await reader.entities(origins_of(entity))
    known = {name: origin for name, origin in origins.items() if isinstance(origin, Origin)}
    book = await book_of(tables, entity_partition(key, partitions))
    return explain(key, entity, book, as_of, known)
