"""Access tokens: one fetch for all who need one, a new one before the old one ends.

stable_token gives every caller the same token until five minutes before its end, so processes do
not take it from one another, as they would with the older /cgi-bin/token
(developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from stream.resolver.api import STABLE_TOKEN, WeChatApi
from stream.resolver.replies import NO_REPLY, Reply, Verdict
from stream.resolver.shared import Shared, Token

_MARGIN_MS: Final = 300_000  # before its end; of a shorter life, a tenth
_LOOK_EVERY_S: Final = 0.2  # while another process fetches
_LOOKS: Final = 30


class TokenKeeper:
    """``secrets`` are AppSecrets by appid; nothing else can be asked for."""

    def __init__(
        self, api: WeChatApi, shared: Shared, secrets: Mapping[str, str], now_ms: Callable[[], int]
    ) -> None:
        self._api, self._shared, self._secrets, self._now_ms = api, shared, secrets, now_ms
        self._known: dict[str, Token] = {}
        self._spoiled: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, appid: str) -> str | Reply:
        """A token to call with, or why there is none."""
        async with self._locks[appid]:
            known = self._known.get(appid)
            if known is None or known.fresh_until_ms <= self._now_ms():
                known = await self._left(appid)
            if known is None:
                return await self._fetch(appid)
            self._known[appid] = known
            return known.text

    async def spoiled(self, appid: str, token: str) -> None:
        """WeChat does not take this token any more; the next one is another."""
        async with self._locks[appid]:
            self._spoiled[appid] = token
            known = self._known.get(appid)
            if known is not None and known.text == token:
                del self._known[appid]

    async def _left(self, appid: str) -> Token | None:
        """What another process has left, if it is still good."""
        found = await self._shared.token(appid, self._secrets[appid])
        if found is None or found.fresh_until_ms <= self._now_ms():
            return None
        return None if found.text == self._spoiled.get(appid) else found

    async def _fetch(self, appid: str) -> str | Reply:
        mine = await self._shared.begin_fetch(appid)
        for _ in range(0 if mine else _LOOKS):
            await asyncio.sleep(_LOOK_EVERY_S)
            if found := await self._left(appid):
                self._known[appid] = found
                return found.text
        try:
            return await self._ask(appid)
        finally:
            if mine:
                await self._shared.end_fetch(appid)

    async def _ask(self, appid: str) -> str | Reply:
        reply = await self._post(appid, force=False)
        if self._is_spoiled(appid, reply) and await self._shared.may_force(appid):
            reply = await self._post(appid, force=True)
        if reply.verdict is not Verdict.OK:
            return reply
        if self._is_spoiled(appid, reply):
            return Reply(Verdict.TOKEN)
        text, life_s = reply.body.get("access_token"), reply.body.get("expires_in")
        if type(text) is not str or type(life_s) is not int or not text or life_s <= 0:
            return NO_REPLY
        now_ms, life_ms = self._now_ms(), life_s * 1000
        token = Token(text, now_ms + life_ms - min(_MARGIN_MS, life_ms // 10))
        self._known[appid] = token
        await self._shared.keep(appid, self._secrets[appid], token, now_ms)
        return text

    def _is_spoiled(self, appid: str, reply: Reply) -> bool:
        """Whether WeChat gives again what it does not take any more."""
        spoiled = self._spoiled.get(appid)
        return spoiled is not None and reply.body.get("access_token") == spoiled

    async def _post(self, appid: str, *, force: bool) -> Reply:
        body = {
            "grant_type": "client_credential",
            "appid": appid,
            "secret": self._secrets[appid],
            "force_refresh": force,
        }
        return await self._api.post(STABLE_TOKEN, {}, body)
