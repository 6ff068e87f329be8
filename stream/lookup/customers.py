# SPDX-License-Identifier: Apache-2.0
"""Read all customers once: what each account bought, as of its partition's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from stream.engine.audit.verify import account_of
from stream.engine.model.ruleset import RuleBook
from stream.engine.points.balance import purchases_of
from stream.engine.points.classes.bought import Day
from stream.engine.storage.codec import load_entity
from stream.lookup.rules_in_force import book_of
from stream.tables import Tables


class Customer(NamedTuple):
    """Without a name: what was bought, the rules in force, and the partition's clock (ms)."""

    days: Sequence[Day]
    book: RuleBook
    as_of: int


async def customers(tables: Tables, partitions: int) -> AsyncIterator[Customer]:
    """Everybody who has bought something. Memory is bounded by a page of entities.

    What cannot be read is passed over; ``shadowpoints verify`` names it.
    """
    for partition in range(partitions):
        book = await book_of(tables, partition)
        async for view in tables.scan_entities(partition):
            for key, value in view.values.items():
                try:
                    account = account_of(load_entity(key, value))
                except (KeyError, msgspec.MsgspecError):
                    continue
                days = purchases_of(account, book, view.clock_ms) if account else []
                if days:
                    yield Customer(days, book, view.clock_ms)
