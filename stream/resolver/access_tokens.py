# SPDX-License-Identifier: Apache-2.0
"""Fetch access tokens once for all processes, and renew them before they expire.

stable_token gives every caller the same token until five minutes before it expires, so processes
do not invalidate each other's token as they would with the older /cgi-bin/token
(developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from stream.resolver.api_replies import NO_REPLY, Reply, Verdict
from stream.resolver.shared_state import AccessToken, SharedState
from stream.resolver.wechat_api import STABLE_TOKEN, WeChatApi

_MARGIN_MS: Final = 300_000  # before it expires; a tenth of a shorter life
_POLL_EVERY_S: Final = 0.2  # while another process fetches
_POLLS: Final = 30


class AccessTokens:
    """Access tokens of the apps in ``secrets``, which are AppSecrets by appid."""

    def __init__(
        self,
        api: WeChatApi,
        shared: SharedState,
        secrets: Mapping[str, str],
        now_ms: Callable[[], int],
    ) -> None:
        self._api, self._shared, self._secrets, self._now_ms = api, shared, secrets, now_ms
        self._known: dict[str, AccessToken] = {}
        self._rejected: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, appid: str) -> str | Reply:
        """A token for a call, or the reply that explains why there is none."""
        async with self._locks[appid]:
            known = self._known.get(appid)
            if known is None or known.fresh_until_ms <= self._now_ms():
                known = await self._stored(appid)
            if known is None:
                return await self._fetch(appid)
            self._known[appid] = known
            return known.text

    async def reject(self, appid: str, token: str) -> None:
        """WeChat has rejected this token: do not use it again."""
        async with self._locks[appid]:
            self._rejected[appid] = token
            known = self._known.get(appid)
            if known is not None and known.text == token:
                del self._known[appid]

    async def _stored(self, appid: str) -> AccessToken | None:
        """The token that another process stored, if it is still valid."""
        found = await self._shared.token(appid, self._secrets[appid])
        if found is None or found.fresh_until_ms <= self._now_ms():
            return None
        return None if found.text == self._rejected.get(appid) else found

    async def _fetch(self, appid: str) -> str | Reply:
        mine = await self._shared.begin_fetch(appid)
        for _ in range(0 if mine else _POLLS):
            await asyncio.sleep(_POLL_EVERY_S)
            if found := await self._stored(appid):
                self._known[appid] = found
                return found.text
        try:
            return await self._request(appid)
        finally:
            if mine:
                await self._shared.end_fetch(appid)

    async def _request(self, appid: str) -> str | Reply:
        reply = await self._post(appid, force=False)
        if self._is_rejected(appid, reply) and await self._shared.may_force(appid):
            reply = await self._post(appid, force=True)
        if reply.verdict is not Verdict.OK:
            return reply
        if self._is_rejected(appid, reply):
            return Reply(Verdict.TOKEN)
        text, life_s = reply.body.get("access_token"), reply.body.get("expires_in")
        if type(text) is not str or type(life_s) is not int or not text or life_s <= 0:
            return NO_REPLY
        now_ms, life_ms = self._now_ms(), life_s * 1000
        token = AccessToken(text, now_ms + life_ms - min(_MARGIN_MS, life_ms // 10))
        self._known[appid] = token
        await self._shared.keep(appid, self._secrets[appid], token, now_ms)
        return text

    def _is_rejected(self, appid: str, reply: Reply) -> bool:
        """Whether the reply has again the token that WeChat rejected."""
        rejected = self._rejected.get(appid)
        return rejected is not None and reply.body.get("access_token") == rejected

    async def _post(self, appid: str, *, force: bool) -> Reply:
        body = {
            "grant_type": "client_credential",
            "appid": appid,
            "secret": self._secrets[appid],
            "force_refresh": force,
        }
        return await self._api.post(STABLE_TOKEN, {}, body)
