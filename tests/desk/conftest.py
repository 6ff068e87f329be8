# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn

from stream.brand.directory import load_apps
from stream.config.settings import load_settings
from stream.desk.app import Desk
from stream.desk.sessions import Gate
from stream.desk.sources import Sources
from stream.rules.loader import load_rules
from stream.worker.in_process import LocalEngine

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def serve() -> Callable[..., AbstractAsyncContextManager[aiohttp.ClientSession]]:
    """Give a server of the desk over an empty engine, and a browser without memory."""

    @asynccontextmanager
    async def started(
        report: Path | None = None, clock_s: Callable[[], float] = time.time
    ) -> AsyncIterator[aiohttp.ClientSession]:
        engine = LocalEngine(load_rules(None), load_apps(None), partitions=2)
        await engine.settle_async()
        settings = load_settings({"SHADOWPOINTS_PARTITIONS": "2"})
        sources = Sources(settings, engine.tables, load_apps(None), report)
        app = Desk(sources, Gate(TOKEN, clock_s), clock_s=clock_s).app()
        options: dict[str, Any] = {"log_config": None, "lifespan": "off", "port": 0}
        server = uvicorn.Server(uvicorn.Config(app, **options))
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        jar = aiohttp.CookieJar(unsafe=True)  # of an address
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as browser:
            yield browser
        server.should_exit = True
        await running

    return started
