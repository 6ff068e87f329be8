# SPDX-License-Identifier: Apache-2.0
"""Finds what a person can be told: the text of their live offer, or of an invitation to consent.

A follow or a scan may itself cause either, shortly after its event is in Kafka, so the tables are
polled until one appears or time runs out. People who must not be contacted and those in the control
group have neither: the engine decides that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from stream.engine.points.invitations import invited_text
from stream.engine.points.signup_offers import announced_text
from stream.gateway.account_lookup import AccountLookup, LookupUnavailable

#: Concurrent waits; above this, a request looks once. A look costs two round trips to Redis.
WAITING_MAX: Final = 500
#: WeChat states no limit for the text of a reply. Texts of offers are far below this; a longer
#: one was written for another channel, and is not sent.
TEXT_BYTES_MAX: Final = 2_048
_PAUSE_S: Final = 0.05
_PAUSE_MAX_S: Final = 0.4


class LiveOffers:
    """Finds live offers and invitations by the rules in force. ``now_ms`` is the wall clock."""

    def __init__(
        self, accounts: AccountLookup, now_ms: Callable[[], int], language: str = "zh-CN"
    ) -> None:
        self._accounts = accounts
        self._now_ms = now_ms
        self._language = language
        self._waiting = 0

    async def text(self, appid: str, openid: str, within_s: float) -> str | None:
        """What this person can be told, ``None`` if there is nothing within ``within_s``."""
        if self._waiting >= WAITING_MAX:
            within_s = 0.0
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s or None):
                return await self._await_text(appid, openid, wait=within_s > 0)
        except (TimeoutError, LookupUnavailable):
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
        found = await self._accounts.account_of_origin(appid, openid)
        if found is None:
            return None
        book = await self._accounts.rules_for(found[0])
        now_ms, language = self._now_ms(), self._language
        text = announced_text(*found, book, now_ms, language)
        text = text or invited_text(found[1], book, now_ms, language)
        return text if text and len(text.encode()) <= TEXT_BYTES_MAX else None
