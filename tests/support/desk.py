# SPDX-License-Identifier: Apache-2.0
"""A browser of the desk without a screen: signs in by HTTP, keeps the cookie."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


@asynccontextmanager
async def signed_in(url: str, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A session at the desk, once it listens."""
    jar = aiohttp.CookieJar(unsafe=True)  # of an address
    async with aiohttp.ClientSession(url, cookie_jar=jar) as browser:
        until = time.monotonic() + 60
        while True:
            try:
                await page(browser, "/login", token=token)
                break
            except aiohttp.ClientConnectionError:
                assert time.monotonic() < until, "the desk does not listen"
                await asyncio.sleep(0.2)
        yield browser


async def page(browser: aiohttp.ClientSession, path: str, **form: str) -> str:
    """A page that must be there; with fields it is posted."""
    send = browser.post(path, data=form) if form else browser.get(path)
    async with send as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return text
