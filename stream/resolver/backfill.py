# SPDX-License-Identifier: Apache-2.0
"""Back-fill: look up all followers of an Official Account, also those without a follow event."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final

from stream.config.settings import Settings
from stream.resolver.api_caller import ApiCaller
from stream.resolver.api_replies import Verdict, person_id
from stream.resolver.lookup_loop import LookupLoop, LookupTools
from stream.resolver.lookup_results import FinishedLookup, LookupOutcome
from stream.resolver.lookups import Api, Lookup
from stream.resolver.wechat_api import USER_GET

PAGE_TRIES: Final = 5
_PAUSE_S: Final = 2.0  # after a failed try, times its number
_CHUNK: Final = 500  # lookups added to the plan together
_PATIENCE_MS: Final = 600_000  # a lookup that fails for so long is given up


class PageMissing(Exception):
    """WeChat returned no page of followers; the message has its verdict and code."""


async def followers(caller: ApiCaller, appid: str) -> AsyncIterator[Sequence[str]]:
    """Openids as WeChat lists them, 10,000 at a time; raises `PageMissing`.

    The interface has a quota of 500 calls a day (API_Call_Limits).
    """
    after = ""
    while True:
        page = await _page(caller, appid, after)
        found = page.get("data")
        listed = found.get("openid") if type(found) is dict else None
        if type(listed) is not list or not listed:
            return
        yield [openid for openid in map(person_id, listed) if openid is not None]
        following = person_id(page.get("next_openid"))
        if following is None or following == after:
            return
        after = following


async def _page(caller: ApiCaller, appid: str, after: str) -> dict[str, object]:
    query = {"next_openid": after} if after else {}
    for number in range(1, PAGE_TRIES + 1):
        reply, _ = await caller.call(appid, "user_get", USER_GET, query)
        if reply.verdict is Verdict.OK:
            return dict(reply.body)
        if reply.verdict not in (Verdict.TRANSIENT, Verdict.TOKEN):
            break
        await asyncio.sleep(_PAUSE_S * number)
    raise PageMissing(f"WeChat returned no page of followers: {reply.verdict}, code {reply.code}.")


class Backfill:
    """Looks up openids of one app; ``on_done`` is called with the number just finished."""

    def __init__(
        self, settings: Settings, tools: LookupTools, appid: str, on_done: Callable[[int], None]
    ) -> None:
        self._tools, self._appid, self._on_done = tools, appid, on_done
        self._loop = LookupLoop(settings, tools, self._finished)
        self.outcomes: Counter[LookupOutcome] = Counter()

    @property
    def refused(self) -> Verdict | None:
        """Why WeChat has stopped answering (quota, or app refused); ``None`` while it answers."""
        return self._loop.refused

    async def look_up(self, openids: Iterable[str]) -> None:
        """Look these up; return early if WeChat stops answering."""
        wanted = list(openids)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._loop.run(group))
            for start in range(0, len(wanted), _CHUNK):
                await self._loop.until_waiting(_CHUNK)
                if self.refused is not None:
                    break
                now_ms = self._tools.now_ms()
                lookups = (
                    Lookup(Api.BATCH, self._appid, openid, now_ms, now_ms + _PATIENCE_MS)
                    for openid in wanted[start : start + _CHUNK]
                )
                await self._loop.add((lookup, None) for lookup in lookups)
            await self._loop.until_waiting(0)
            work.cancel()

    def _finished(self, finished: FinishedLookup) -> None:
        self.outcomes[finished.outcome] += 1
        self._on_done(1)
