# SPDX-License-Identifier: Apache-2.0
"""Ask for all orders and after-sales of a shop that changed, so that no lost push loses one.

WeChat gives a push up after 3.6 hours, and the resolver a lookup after a day. WeChat's lists are
complete: what changed in a window, at most 7 days of orders or 24 hours of after-sales, page by
page. The store keeps up to when all is done; that moves on only when every lookup of a window has
ended with an answer of WeChat's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stream.resolver.api_replies import Reply, Verdict
from stream.resolver.lookup_loop import LookupLoop, LookupTools
from stream.resolver.lookup_results import GIVEN_UP, FinishedLookup, LookupOutcome
from stream.resolver.lookups import Api, OrderLookup
from stream.resolver.shop_orders import number
from stream.resolver.wechat_api import AFTER_SALE_LIST, ORDER_LIST
from stream.tables import TablesUnavailable

_log = logging.getLogger(__name__)

FILL_EVERY_MS: Final = 600_000  # from the end of a round to the next, by one process at a time
_AT_WORK_MS: Final = 120_000  # after a crash another process goes on
FIRST_MS: Final = 7 * 86_400_000  # how far a shop's first round goes back
SETTLE_MS: Final = 60_000  # WeChat's lists may be that late, and our clock ahead
OVERLAP_MS: Final = 300_000  # of a round and the one before
_WINDOW_MS: Final = 82_800_000  # 23 hours: WeChat allows 24 of after-sales, 7 days of orders
_WINDOW_MIN_MS: Final = 60_000
_PAGES_MAX: Final = 10_000  # of one window, 100 numbers each
_PAGE: Final = 100
_TOO_MANY: Final = 31042  # "choose a shorter time"
_LOOK_S: Final = 60.0
#: So often a window is listed again for lookups that WeChat left without an answer for a day, while
#: it answered others; then they are left out, so that one order cannot stop a shop.
_TRIES_MAX: Final = 3


class ListMissing(Exception):
    """WeChat returned no list; the message has its verdict and code."""

    def __init__(self, name: str, reply: Reply) -> None:
        super().__init__(f"WeChat returned no {name}: {reply.verdict}, code {reply.code}")
        self.code = reply.code


@dataclass(frozen=True, slots=True)
class ShopList:
    """A list of WeChat's; ``body`` is the request for a window (s) and a page."""

    name: str
    api: Api  # of each number's detail
    path: str
    field: str
    body: Callable[[int, int, str], Mapping[str, Any]]


def _orders(start_s: int, end_s: int, next_key: str) -> Mapping[str, Any]:
    window = {"start_time": start_s, "end_time": end_s}
    body = {"update_time_range": window, "page_size": _PAGE}
    return body | ({"next_key": next_key} if next_key else {})


def _after_sales(start_s: int, end_s: int, next_key: str) -> Mapping[str, Any]:
    body = {"begin_update_time": start_s, "end_update_time": end_s}
    return body | ({"next_key": next_key} if next_key else {})


SHOP_LISTS: Final = (
    ShopList("order_list", Api.ORDER, ORDER_LIST, "order_id_list", _orders),
    ShopList(
        "after_sale_list",
        Api.AFTER_SALE,
        AFTER_SALE_LIST,
        "after_sale_order_id_list",
        _after_sales,
    ),
)


class Window:
    """The tag of the lookups of one window."""

    def __init__(self) -> None:
        self._open = 0
        self.given_up: set[LookupOutcome] = set()
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """One more lookup of it is added."""
        self._open += 1

    def finish(self, finished: FinishedLookup) -> None:
        """One has ended."""
        self._open -= 1
        self.given_up |= {finished.outcome} & GIVEN_UP
        self._changed.set()

    async def ended(self, within_s: float) -> bool:
        """Whether all have ended by then."""
        try:
            async with asyncio.timeout(within_s):
                while self._open:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


class GapFill:
    """Fills the gaps of one list of one shop."""

    def __init__(
        self,
        appid: str,
        wanted: ShopList,
        tools: LookupTools,
        loop: LookupLoop,
        patience_ms: int,
    ) -> None:
        self._appid, self._list, self._tools, self._loop = appid, wanted, tools, loop
        self._patience_ms, self._window_ms = patience_ms, _WINDOW_MS
        self._place = appid, wanted.name
        self._tries = 0

    async def run(self) -> None:
        """Make a round every ten minutes, unless another process does; until cancelled."""
        while True:
            try:
                if await self._tools.shared.begin_fill(*self._place, _AT_WORK_MS):
                    await self.fill()
                    await self._tools.shared.extend_fill(*self._place, FILL_EVERY_MS)
                else:
                    await self._filled_until()
            except TablesUnavailable as error:
                _log.warning("%s; orders of shops are listed later", error)
            await asyncio.sleep(_LOOK_S)

    async def fill(self) -> None:
        """List what has changed since the last complete window, and ask for it."""
        now_ms, until_ms = self._tools.now_ms(), await self._filled_until()
        if until_ms is None or until_ms > now_ms:  # or the clock was wrong
            until_ms = now_ms - FIRST_MS
        start_ms, end_ms = until_ms - OVERLAP_MS, now_ms - SETTLE_MS
        while start_ms < end_ms:
            stop_ms = min(start_ms + self._window_ms, end_ms)
            try:
                complete = await self._fill_window(start_ms, stop_ms)
            except ListMissing as missing:
                if missing.code == _TOO_MANY and self._window_ms > _WINDOW_MIN_MS:
                    self._window_ms = max(_WINDOW_MIN_MS, self._window_ms // 2)
                    continue
                _log.warning("%s, for %s; it is listed later", missing, self._appid)
                return
            if not complete:
                return
            self._tries = 0
            await self._tools.shared.keep_filled(*self._place, stop_ms)
            self._report(stop_ms)
            start_ms = stop_ms

    async def _filled_until(self) -> int | None:
        until_ms = await self._tools.shared.filled_until(*self._place)
        if until_ms is not None:
            self._report(until_ms)
        return until_ms

    def _report(self, until_ms: int) -> None:
        self._tools.metrics.complete_until.labels(*self._place).set(until_ms / 1000)

    async def _fill_window(self, start_ms: int, end_ms: int) -> bool:
        """Whether the window is done with: WeChat has answered about everything in it."""
        window = Window()
        async for numbers in self._pages(start_ms // 1000, -(-end_ms // 1000)):
            await self._tools.shared.extend_fill(*self._place, _AT_WORK_MS)
            for one in numbers:
                await self._loop.until_room(self._list.api)
                now_ms = self._tools.now_ms()
                by_ms = now_ms + self._patience_ms
                window.begin()
                lookup = OrderLookup(self._list.api, self._appid, one, now_ms, by_ms)
                await self._loop.add([(lookup, window)])
        while not await window.ended(_LOOK_S):
            await self._tools.shared.extend_fill(*self._place, _AT_WORK_MS)
        if not window.given_up:
            return True
        self._tries = self._tries + 1 if window.given_up == {LookupOutcome.LATE_ANSWER} else 0
        if self._tries < _TRIES_MAX:
            return False
        _log.warning("WeChat never answers about some numbers of %s in its %s", *self._place)
        return True

    async def _pages(self, start_s: int, end_s: int) -> AsyncIterator[list[str]]:
        """The numbers in a window, both ends included; raises `ListMissing`."""
        next_key, unreadable = "", Reply(Verdict.REFUSED)
        for _ in range(_PAGES_MAX):
            body = self._list.body(start_s, end_s, next_key)
            reply, _calls = await self._tools.caller.call(
                self._appid, self._list.name, self._list.path, {}, body
            )
            if reply.verdict is not Verdict.OK:
                raise ListMissing(self._list.name, reply)
            listed = reply.body.get(self._list.field) or []
            numbers = list(map(number, listed)) if type(listed) is list else [None]
            if None in numbers:
                raise ListMissing(self._list.name, unreadable)
            yield [one for one in numbers if one is not None]
            if not reply.body.get("has_more"):
                return
            following = reply.body.get("next_key")
            if type(following) is not str or following in ("", next_key):
                break  # more is said to be there, and no way leads to it
            next_key = following
        raise ListMissing(self._list.name, unreadable)
