"""One person as the tables know them."""

from __future__ import annotations

from typing import Any

from stream.engine.codec import load_entity
from stream.engine.decision import Entity
from stream.engine.explain import explain
from stream.engine.payment import Payment
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Origin
from stream.engine.verify import origins_of
from stream.runtime.partitioning import entity_partition
from stream.tables import Tables


async def stored(tables: Tables, partitions: int, key: str) -> Entity | None:
    """What is stored under a key."""
    value = (await tables.load({entity_partition(key, partitions): [key]})).get(key)
    return None if value is None else load_entity(key, value)


async def person_behind(tables: Tables, partitions: int, key: str) -> str | None:
    """The consumer id of the account to which a key leads by now.

    A payment leads to its payer, a bound origin to its profile; ``None`` for a payment of which
    the payer is not known.
    """
    entity = await stored(tables, partitions, key)
    if key.startswith("tx."):
        if not isinstance(entity, Payment) or not entity.origin:
            return None
        key = entity.origin
        entity = await stored(tables, partitions, key)
    return entity.bound if isinstance(entity, Origin) and entity.bound else key


async def explanation(
    tables: Tables, book: RuleBook, partitions: int, key: str, as_of: int
) -> dict[str, Any] | None:
    """All about the consumer behind ``key`` (``stream.engine.explain``); ``None`` if unknown."""
    entity = await stored(tables, partitions, key)
    if isinstance(entity, Origin) and entity.bound:
        bound = await stored(tables, partitions, entity.bound)
        if isinstance(bound, Account):
            key, entity = entity.bound, bound
    if not isinstance(entity, (Account, Origin)):
        return None
    origins = {name: await stored(tables, partitions, name) for name in origins_of(entity)}
    known = {name: origin for name, origin in origins.items() if isinstance(origin, Origin)}
    return explain(key, entity, book, as_of, known)
