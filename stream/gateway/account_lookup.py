# SPDX-License-Identifier: Apache-2.0
"""Reads accounts and rules from the engine's tables in Redis, with a timeout.

The gateway works without Redis; a lookup then raises `LookupUnavailable`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from stream.addressing.partitioning import entity_partition
from stream.engine.model.ids import origin_key
from stream.engine.model.payment import Payment
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Origin
from stream.lookup.entity_reader import EntityReader
from stream.lookup.rules_in_force import book_of
from stream.tables import Tables, TablesUnavailable

_log = logging.getLogger(__name__)

LOOK_TIMEOUT_S: Final = 2.0
#: Before another attempt to open the tables.
_OPEN_PAUSE_S: Final = 5.0
#: A version is known for minutes before it starts.
_RULES_KEPT_S: Final = 5.0


class LookupUnavailable(Exception):
    """Redis cannot be read, or not in time."""


class AccountLookup:
    """Looks up accounts in the tables, which it opens at the first lookup."""

    def __init__(self, tables: Tables, partitions: int) -> None:
        self._tables = tables
        self._partitions = partitions
        self._opening: asyncio.Task[bool] | None = None
        self._opened = False
        self._books: dict[int, tuple[float, RuleBook]] = {}  # partition -> when it was read, s

    async def close(self) -> None:
        """Close the tables."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._tables.close()

    async def account_of(self, key: str) -> tuple[str, Account] | None:
        """The account of an origin or a profile, with the account's own key.

        ``None`` if there is none. Raises `LookupUnavailable`.
        """
        async with self._reading():
            return await self._account(key)

    async def payment(self, key: str) -> Payment | None:
        """What is known of a payment; ``None`` if nothing is. Raises `LookupUnavailable`."""
        async with self._reading():
            found = await EntityReader(self._tables, self._partitions).entity(key)
        return found if isinstance(found, Payment) else None

    async def account_of_origin(self, appid: str, openid: str) -> tuple[str, Account] | None:
        """The account of one openid in an app."""
        return await self.account_of(origin_key(appid, openid))

    async def applied(self, partitions: Sequence[int]) -> dict[int, int]:
        """The last applied offset of each partition that has one. Raises `LookupUnavailable`."""
        async with self._reading():
            found = await self._tables.positions(partitions)
        return {partition: last for partition, (_, last) in found.items()}

    async def rules_for(self, key: str) -> RuleBook:
        """The rules in force for an account, cached for seconds. Raises `LookupUnavailable`."""
        partition, now_s = entity_partition(key, self._partitions), time.monotonic()
        known = self._books.get(partition)
        if known is not None and now_s < known[0] + _RULES_KEPT_S:
            return known[1]
        async with self._reading():
            book = await book_of(self._tables, partition)
        self._books[partition] = now_s, book
        return book

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        """Within it the tables are open, and read in time."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await self._ready()
                yield
        except (TimeoutError, TablesUnavailable):
            raise LookupUnavailable from None

    async def _account(self, key: str) -> tuple[str, Account] | None:
        reader = EntityReader(self._tables, self._partitions)
        entity = await reader.entity(key)
        if isinstance(entity, Origin):
            if entity.bound:
                key = entity.bound
                entity = await reader.entity(key)
            else:
                entity = entity.account
        return (key, entity) if isinstance(entity, Account) else None

    async def _ready(self) -> None:
        if not self._opened:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open())
            # Lookups share one attempt; a lookup that times out does not cancel it.
            self._opened = await asyncio.shield(self._opening)
        if not self._opened:
            raise LookupUnavailable

    async def _open(self) -> bool:
        try:
            await self._tables.open()
        except TablesUnavailable as error:
            _log.error("Redis cannot be read, so replies contain no offer: %s", error)
            await asyncio.sleep(_OPEN_PAUSE_S)
            return False
        return True
