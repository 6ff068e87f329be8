# SPDX-License-Identifier: Apache-2.0
"""``/analytics/{client}`` over HTTP, driven by hand and by the SDK for Python."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sensorsanalytics.sdk import (
    BatchConsumer,
    DefaultConsumer,
    SensorsAnalytics,
    SensorsAnalyticsNetworkException,
)

from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.gateway.endpoints.tracks import BODY_BYTES_MAX, TracksHandler
from tests.gateway.endpoints.build import (
    CLIENTS,
    DIRECTORY,
    HORIZONS,
    MEI,
    NOW_MS,
    NOW_S,
    OTHER_APP,
    Published,
    track,
)
from tests.gateway.http import Said, Served, ask, served

TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])
LI = (MEI[0], "oLi000000000000000000000000003")
VIEW = track("$MPViewScreen", {"$url_path": "pages/menu", "$latest_scene": "wx-1047"})


def token(who: tuple[str, str] = MEI, left_s: int = 60) -> str:
    return TOKENS.seal(Session("s-1", *who, NOW_S + left_s), NOW_S)


@dataclass
class Place:
    served: Served
    published: Published
    counts: Counter[tuple[str, str]]

    def url(self, query: str = "", client: str = "sdk-1") -> str:
        return f"http://127.0.0.1:{self.served.port}/analytics/{client}{query}"

    async def send(self, *tracks: Any, query: str = "", client: str = "sdk-1") -> Said:
        coded = quote(b64encode(orjson.dumps(tracks)).decode())
        headers = {"content-type": "text/plain"}
        path = f"/analytics/{client}{query}"
        return await ask(self.served.port, path, f"data_list={coded}".encode(), headers=headers)

    @property
    def people(self) -> list[tuple[str, Any]]:
        return [(e.type, e.data.origin) for e in self.published.events]  # type: ignore[attr-defined]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    published, counts = Published(), Counter[tuple[str, str]]()
    dependencies = Dependencies(published, lambda: NOW_MS, lambda *what: counts.update([what]))
    limits = RateLimits(session_per_s=2.0, client_per_s=500.0)
    tracks = TracksHandler(dependencies, CLIENTS, TOKENS, DIRECTORY, HORIZONS, limits)
    async with served(tracks.endpoint()) as here:
        yield Place(here, published, counts)


async def test_a_mini_program_reports_with_its_token_in_the_address(place: Place) -> None:
    said = await place.send(VIEW, track("$MPLaunch"), query=f"?token={token()}")

    assert (said.status, said.headers["access-control-allow-origin"]) == (200, "*")
    body = orjson.loads(said.body)
    assert (body["accepted"], body["ignored"], body["rejected"]) == (1, 1, 0)
    [event] = place.published.events
    assert place.people == [("page.viewed.v1", MEI)]
    assert event.data.model_dump(include={"path", "scene"}) == {"path": "pages/menu", "scene": 1047}
    assert place.counts == {("sdk", "accepted"): 1, ("sdk", "ignored"): 1}
    assert place.served.counts("deliveries") == {("analytics", "events_sdk"): 1}


async def test_a_retry_is_the_same_event(place: Place) -> None:
    for _ in range(2):
        assert (await place.send(VIEW, query=f"?token={token()}")).status == 200
    assert len({event.id for event in place.published.events}) == 1


async def test_a_page_reports_by_an_image(place: Place) -> None:
    data = quote(b64encode(orjson.dumps(VIEW)).decode())
    path = f"/analytics/sdk-1?token={token()}&data={data}"
    assert (await ask(place.served.port, path, method="GET")).status == 200
    assert place.people == [("page.viewed.v1", MEI)]


async def test_each_track_may_have_a_session_of_its_own(place: Place) -> None:
    def of(session: str) -> dict[str, Any]:
        return track("$MPViewScreen", {"$url_path": "p", "session_token": session})

    said = await place.send(of(token(LI)), VIEW, of("nonsense"), query=f"?token={token()}")

    assert said.status == 200
    assert place.people == [("page.viewed.v1", LI), ("page.viewed.v1", MEI)]
    assert orjson.loads(said.body)["results"][2] == {
        "status": "rejected",
        "reason": "no_session",
        "message": "$[2]: session_token is no session token; POST /sessions.",
    }
    assert "session_token" not in str([event.data for event in place.published.events])


@pytest.mark.parametrize(
    "bad",
    [
        *(7, None, [], {}, {"properties": {}, "event": "$MPViewScreen"}),
        track("ViewProduct", {"product_id": [["a"]], "product_price": "1e9999999"}),
        {"id": "1", "type": "payment.succeeded.v1", "time": "2026", "data": {}},
        VIEW | {"time": NOW_MS - 4 * 86_400_000},
        VIEW | {"time": NOW_MS + 3_600_000},
    ],
)
async def test_a_bad_track_never_loses_its_batch(place: Place, bad: Any) -> None:
    said = await place.send(bad, VIEW, query=f"?token={token()}")
    alone = await place.send(bad, query=f"?token={token()}")

    assert (said.status, alone.status) == (200, 200)
    assert [r["status"] for r in orjson.loads(said.body)["results"]] == ["rejected", "accepted"]
    assert len(place.published.events) == 1


@pytest.mark.parametrize(
    ("query", "client", "status"),
    [
        ("", "sdk-1", 401),
        ("?token=nonsense", "sdk-1", 401),
        (f"?token={token(left_s=0)}", "sdk-1", 401),
        (f"?token={token((OTHER_APP, 'o'))}", "sdk-1", 403),
        (f"?token={token()}", "till-1", 404),
        (f"?token={token()}", "backend-1", 404),
        (f"?token={token()}", "nobody", 404),
    ],
    ids=["none", "nonsense", "expired", "another app", "till", "backend", "nobody"],
)
async def test_without_a_session_nothing_is_reported(
    place: Place, query: str, client: str, status: int
) -> None:
    said = await place.send(VIEW, query=query, client=client)
    assert (said.status, place.published.events) == (status, [])
    assert said.headers["access-control-allow-origin"] == "*"


async def test_one_key_cannot_fill_an_account(place: Place) -> None:
    """Whoever has the key of a mini-program logs in anew as often as she likes."""
    statuses = [
        (await place.send(*[VIEW] * 100, query=f"?token={token(left_s=left_s)}")).status
        for left_s in (60, 61, 62)
    ]
    assert statuses == [200, 200, 429]
    assert (await place.send(VIEW, query=f"?token={token(LI)}")).status == 200


async def test_a_hundred_stored_tracks_arrive_at_once(place: Place) -> None:
    long = {"$url_path": "pages/menu", "$referrer": "p" * 900}
    stored = [track("$MPViewScreen", long) | {"time": NOW_MS - n} for n in range(100)]
    said = await place.send(*stored, query=f"?token={token()}")
    assert said.status == 200
    assert len(place.published.events) == 100
    large = b"d" * (BODY_BYTES_MAX + 1)
    assert (await ask(place.served.port, "/analytics/sdk-1", large)).status == 413


async def test_kafka_away_is_503(place: Place) -> None:
    place.published.away = True
    assert (await place.send(VIEW, query=f"?token={token()}")).status == 503


# --- the SDK for Python ---------------------------------------------------------------------------

#: It leaves its connections to the garbage collector.
SDK = pytest.mark.filterwarnings("ignore::ResourceWarning")


def report(sdk: SensorsAnalytics, **more: str) -> None:
    """What a server tracks, and what is no touchpoint; the SDK says when."""
    now = {"$time": NOW_MS}
    product = {"product_id": "latte", "product_name": "拿铁", "product_price": 18.5}
    sdk.track("user-7", "ViewProduct", product | now | more)
    sdk.track("user-7", "PayOrder", {"order_price": 1.0} | now | more)
    sdk.profile_set("user-7", {"Age": 18})
    sdk.track("user-7", "AddToCart", {"product_id": "a", "product_quantity": 2} | now | more)
    sdk.close()


@SDK
@pytest.mark.parametrize("consumer", [DefaultConsumer, BatchConsumer])
async def test_the_sdk_for_python_reports(place: Place, consumer: Callable[..., Any]) -> None:
    url = place.url(f"?token={token()}")
    await asyncio.to_thread(lambda: report(SensorsAnalytics(consumer(url))))

    assert place.people == [("product.viewed.v1", MEI), ("cart.added.v1", MEI)]
    view = place.published.events[0].data.model_dump()
    assert (view["product_id"], view["price_fen"]) == ("latte", 1850)
    assert place.counts["sdk", "ignored"] == 2


@SDK
async def test_a_server_reports_for_many_people(place: Place) -> None:
    def run() -> None:
        consumer = BatchConsumer(place.url())
        sdk = SensorsAnalytics(consumer)
        for who in (MEI, LI):
            properties = {"$url_path": "/menu", "session_token": token(who), "$time": NOW_MS}
            sdk.track("user-7", "$pageview", properties)
        sdk.close()

    await asyncio.to_thread(run)
    assert place.people == [("page.viewed.v1", MEI), ("page.viewed.v1", LI)]


@SDK
async def test_the_sdk_for_python_hears_that_its_token_is_none(place: Place) -> None:
    def run() -> None:
        with pytest.raises(SensorsAnalyticsNetworkException, match="401"):
            report(SensorsAnalytics(DefaultConsumer(place.url("?token=nonsense"))))

    await asyncio.to_thread(run)
    assert place.published.events == []
