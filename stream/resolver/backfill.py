"""All followers of an Official Account, a hundred at a time: those whose follow nobody heard."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final

from stream.resolver.api import USER_GET
from stream.resolver.asking import Asker
from stream.resolver.asks import Api, Ask
from stream.resolver.desk import Desk, Tools
from stream.resolver.outcomes import Ended, Outcome
from stream.resolver.replies import Verdict, person_id
from stream.settings import Settings

PAGE_TRIES: Final = 5
_PAUSE_S: Final = 2.0  # between them, times the number of the try
_TOGETHER: Final = 500  # origins looked up at once
_PATIENCE_MS: Final = 600_000  # a question which cannot be answered for so long is given up


class PageMissing(Exception):
    """WeChat did not give a page of followers; the message says what it answered."""


async def followers(asker: Asker, appid: str) -> AsyncIterator[Sequence[str]]:
    """Openids as WeChat lists them, 10,000 at a time; raises `PageMissing`.

    The interface has a quota of 500 calls a day (API_Call_Limits).
    """
    after = ""
    while True:
        page = await _page(asker, appid, after)
        found = page.get("data")
        listed = found.get("openid") if type(found) is dict else None
        if type(listed) is not list or not listed:
            return
        yield [openid for openid in map(person_id, listed) if openid is not None]
        following = person_id(page.get("next_openid"))
        if following is None or following == after:
            return
        after = following


async def _page(asker: Asker, appid: str, after: str) -> dict[str, object]:
    query = {"next_openid": after} if after else {}
    for number in range(1, PAGE_TRIES + 1):
        reply, _ = await asker.call(appid, "user_get", USER_GET, query)
        if reply.verdict is Verdict.OK:
            return dict(reply.body)
        if reply.verdict not in (Verdict.TRANSIENT, Verdict.TOKEN):
            break
        await asyncio.sleep(_PAUSE_S * number)
    raise PageMissing(f"WeChat gives no page of followers: {reply.verdict}, code {reply.code}.")


class Backfill:
    """Asks for openids of one app. ``on_done`` hears how many more are done with."""

    def __init__(
        self, settings: Settings, tools: Tools, appid: str, on_done: Callable[[int], None]
    ) -> None:
        self._tools, self._appid, self._on_done = tools, appid, on_done
        self._desk = Desk(settings, tools, self._ended)
        self.outcomes: Counter[Outcome] = Counter()

    @property
    def refused(self) -> Verdict | None:
        """Why WeChat answers no more: the quota, or the app; ``None``: it does."""
        return self._desk.refused

    async def ask(self, openids: Iterable[str]) -> None:
        """Ask for these; returns early if WeChat answers no more."""
        wanted = list(openids)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._desk.ask_on(group))
            for start in range(0, len(wanted), _TOGETHER):
                await self._desk.below(_TOGETHER)
                if self.refused is not None:
                    break
                now_ms = self._tools.now_ms()
                asks = (
                    Ask(Api.BATCH, self._appid, openid, now_ms, now_ms + _PATIENCE_MS)
                    for openid in wanted[start : start + _TOGETHER]
                )
                await self._desk.take((ask, None) for ask in asks)
            await self._desk.below(0)
            work.cancel()

    def _ended(self, ended: Ended) -> None:
        self.outcomes[ended.outcome] += 1
        self._on_done(1)
