"""A stand-in for WeChat's code2Session."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.services.web import serving

SESSION_KEY = "HyVFkGl5F5OQWJZZaNzBBg=="


@dataclass
class WechatLogin:
    """Knows codes, each good for once. ``faults`` are answers to give first; ``{}`` is silence."""

    appid: str
    secret: str
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: deque[dict[str, Any]] = field(default_factory=deque)
    requests: int = 0
    url: str = ""

    @classmethod
    @asynccontextmanager
    async def running(cls, appid: str, secret: str) -> AsyncIterator[Self]:
        wechat = cls(appid, secret)
        async with serving("GET", "/sns/jscode2session", wechat._session) as wechat.url:
            yield wechat

    def login(self, js_code: str, openid: str, **more: Any) -> None:
        """Somebody called wx.login and got this code."""
        self.codes[js_code] = {"openid": openid, "session_key": SESSION_KEY, **more}

    async def _session(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.faults:
            fault = self.faults.popleft()
            if not fault:
                await asyncio.sleep(60)
            return _said(fault)
        asked = request.query
        if (asked["appid"], asked["secret"]) != (self.appid, self.secret):
            return _said({"errcode": 40125, "errmsg": "invalid appsecret"})
        if asked["grant_type"] != "authorization_code" or asked["js_code"] not in self.codes:
            return _said({"errcode": 40029, "errmsg": "invalid code"})
        return _said(self.codes.pop(asked["js_code"]))


def _said(tree: dict[str, Any]) -> web.Response:
    # WeChat sends JSON as text/plain
    return web.json_response(tree, content_type="text/plain", status=tree.pop("_status", 200))
