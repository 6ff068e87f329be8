"""The text of somebody's live offer, looked up for as long as there is time to wait for one.

Following or scanning may be what makes an offer live, some moments after the event is in Kafka.
So the tables are looked at until the window closes. Who must not be contacted, or is in the
control group, has no live offer: that is decided by the engine alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from stream.engine.offers import told_text
from stream.engine.ruleset import RuleBook
from stream.gateway.people import CannotLook, People

#: Who wait at once; whoever comes besides gets one look. A look costs two round trips to Redis.
WAITING_MAX: Final = 500
#: WeChat states no limit for the text of a reply. An offer's is far below this; what is not was
#: written for another place, and is not told.
TEXT_BYTES_MAX: Final = 2_048
_PAUSE_S: Final = 0.05
_PAUSE_MAX_S: Final = 0.4


class LiveOffers:
    """Tells live offers by the rules the workers have. ``now_ms`` is the wall clock."""

    def __init__(
        self, people: People, book: RuleBook, now_ms: Callable[[], int], language: str = "zh-CN"
    ) -> None:
        self._people = people
        self._book = book
        self._now_ms = now_ms
        self._language = language
        self._waiting = 0

    async def text(self, appid: str, openid: str, within_s: float) -> str | None:
        """What to tell this person, ``None`` if there is nothing to tell within ``within_s``."""
        if self._waiting >= WAITING_MAX:
            within_s = 0.0
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s or None):
                return await self._await_text(appid, openid, wait=within_s > 0)
        except (TimeoutError, CannotLook):
            return None
        finally:
            self._waiting -= 1

    async def _await_text(self, appid: str, openid: str, *, wait: bool) -> str | None:
        pause_s = _PAUSE_S
        while True:
            text = await self._look(appid, openid)
            if text is not None or not wait:
                return text
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _PAUSE_MAX_S)

    async def _look(self, appid: str, openid: str) -> str | None:
        found = await self._people.account_of_origin(appid, openid)
        if found is None:
            return None
        text = told_text(*found, self._book, self._now_ms(), self._language)
        return text if text and len(text.encode()) <= TEXT_BYTES_MAX else None
