"""Health and metrics over HTTP, on loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from stream.runtime.publisher import Publisher
from stream.tables import Tables

if TYPE_CHECKING:
    from stream.app import ShadowApp

_READY_TIMEOUT_S = 2.0


async def readiness(app: ShadowApp) -> list[str]:
    """Why the worker is not ready; nothing if it is. An idle worker of a group is ready."""
    problems = await unreachable(app.state_tables, app.publisher)
    if app.rebalancing:
        problems.append("the group is rebalancing")
    elif not app.assignment():
        problems.append("no partitions are assigned")
    return problems


async def unreachable(tables: Tables, publisher: Publisher) -> list[str]:
    """Which of the servers does not answer, in words."""
    asked = {"Redis": tables.ready(), "Kafka": publisher.ready()}
    answers = await asyncio.gather(*map(in_time, asked.values()))
    return [f"{name} {word}" for name, word in zip(asked, answers, strict=True) if word]


async def in_time(question: Awaitable[bool]) -> str:
    """What is wrong with the answer, if anything."""
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            return "" if await question else "does not answer"
    except TimeoutError:
        return "does not answer in time"


def add_pages(app: ShadowApp) -> None:
    """Register ``/health/live``, ``/health/ready`` and ``/metrics``."""

    async def live(view: Any, request: Any) -> Any:
        return view.json({"live": True})

    async def ready(view: Any, request: Any) -> Any:
        problems = await readiness(app)
        return view.json(
            {"ready": not problems, "problems": problems}, status=503 * bool(problems) or 200
        )

    async def metrics(view: Any, request: Any) -> Any:
        return view.bytes(app.metrics.text(), content_type="text/plain")

    for path, page in (("/health/live", live), ("/health/ready", ready), ("/metrics", metrics)):
        app.page(path)(page)
