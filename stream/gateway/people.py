"""What the engine knows of a person, as the gateway may see it: read only, bounded in time.

The gateway works without Redis. What needs a look at the tables says that it cannot have one.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from stream.engine.ids import origin_key
from stream.engine.state import Account, Origin
from stream.runtime.people import stored
from stream.tables import Tables, TablesUnavailable

_log = logging.getLogger(__name__)

LOOK_TIMEOUT_S: Final = 2.0
#: After a try to open the tables which failed.
_OPEN_PAUSE_S: Final = 5.0


class CannotLook(Exception):
    """Redis does not answer in time, or not at all."""


class People:
    """Looks people up in the tables, which are opened when first needed."""

    def __init__(self, tables: Tables, partitions: int) -> None:
        self._tables = tables
        self._partitions = partitions
        self._opening: asyncio.Task[bool] | None = None
        self._opened = False

    async def close(self) -> None:
        """Let go of the tables."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._tables.close()

    async def account_of(self, key: str) -> tuple[str, Account] | None:
        """The account to which the key of an origin or a profile leads, with its own key.

        ``None`` for somebody unknown. Raises `CannotLook`.
        """
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                await self._ready()
                return await self._account(key)
        except (TimeoutError, TablesUnavailable):
            raise CannotLook from None

    async def account_of_origin(self, appid: str, openid: str) -> tuple[str, Account] | None:
        """The same for one openid within an app."""
        return await self.account_of(origin_key(appid, openid))

    async def _account(self, key: str) -> tuple[str, Account] | None:
        entity = await stored(self._tables, self._partitions, key)
        if isinstance(entity, Origin):
            if entity.bound:
                key = entity.bound
                entity = await stored(self._tables, self._partitions, key)
            else:
                entity = entity.account
        return (key, entity) if isinstance(entity, Account) else None

    async def _ready(self) -> None:
        if not self._opened:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open())
            # Others wait for the same try; whoever gives up does not end it.
            self._opened = await asyncio.shield(self._opening)
        if not self._opened:
            raise CannotLook

    async def _open(self) -> bool:
        try:
            await self._tables.open()
        except TablesUnavailable as error:
            _log.error("Redis cannot be read, so no offer is told in replies: %s", error)
            await asyncio.sleep(_OPEN_PAUSE_S)
            return False
        return True
