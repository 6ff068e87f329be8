# SPDX-License-Identifier: Apache-2.0
"""The Sensors SDKs of mini-programs and web pages report to a gateway, each from its own program.

The versions are the last ones whose licence is Apache-2.0.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.gateway.endpoints.tracks import TracksHandler
from stream.process.clock import wall_clock_ms
from tests.gateway.endpoints.build import CLIENTS, DIRECTORY, HORIZONS, MEI, Published
from tests.gateway.http import served

#: What each program's tracks become: type, and the fields besides the person.
PAGE, PRODUCT, CART = "page.viewed.v1", "product.viewed.v1", "cart.added.v1"
EXPECTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "mini-program": [
        (PAGE, {"path": "pages/menu", "scene": 1047}),
        (PRODUCT, {"product_id": "latte", "price_fen": 1850}),
        (CART, {"product_id": "latte", "quantity": 1}),
    ],
    "web": [
        event
        for way in ("ajax", "image", "batch")
        for event in (
            (PAGE, {"path": f"/{way}"}),
            (PRODUCT, {"product_id": way, "price_fen": 1850}),
        )
    ],
}


async def report(program: Sequence[str | Path], place: str) -> None:
    """Raises ``AssertionError`` unless everything arrives as it should, and nothing else."""
    published, counts = Published(), Counter[tuple[str, str]]()
    dependencies = Dependencies(published, wall_clock_ms, lambda *what: counts.update([what]))
    tokens = SessionTokens([b"a key of thirty-two bytes or more"])
    limits = RateLimits(session_per_s=2.0, client_per_s=500.0)
    tracks = TracksHandler(dependencies, CLIENTS, tokens, DIRECTORY, HORIZONS, limits)
    now_s = int(time.time())
    token = tokens.seal(Session("s-1", *MEI, now_s + 600), now_s)
    async with served(tracks.endpoint(), clock=wall_clock_ms) as gateway:
        url = f"http://127.0.0.1:{gateway.port}/analytics/sdk-1?token={token}"
        process = await asyncio.create_subprocess_exec(*program, place, url)
        assert await asyncio.wait_for(process.wait(), 60) == 0
    events: list[Any] = published.events
    assert {event.data.origin for event in events} == {MEI}
    found = [(e.type, e.data.model_dump(exclude_none=True)) for e in events]
    fields = [(t, {k: v for k, v in d.items() if k not in ("appid", "openid")}) for t, d in found]
    assert sorted(fields, key=repr) == sorted(EXPECTED[place], key=repr), fields
    assert {outcome for _, outcome in counts} == {"accepted", "ignored"}, counts
