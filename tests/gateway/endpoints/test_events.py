# SPDX-License-Identifier: Apache-2.0
"""``POST /events`` over HTTP, with a publisher that may be unavailable."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from stream.brand.clients import Client
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoints.events import EventsHandler
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from tests.gateway.endpoints.build import (
    BACKEND,
    CLIENTS,
    DIRECTORY,
    HORIZONS,
    MEI,
    NOW_MS,
    NOW_S,
    OTHER_APP,
    SDK,
    TILL,
    Published,
    event,
    page,
    payment,
    signed,
    track,
)
from tests.gateway.http import Said, Served, ask, served

TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])
T_2011 = "2011-01-02T08:00:00+08:00"
MEI_NOW = Session("s-1", *MEI, NOW_S + 60)


@dataclass
class Place:
    served: Served
    published: Published
    counts: Counter[tuple[str, str]]
    _nonces: int = 0

    async def send(self, who: Client, tree: object, **more: Any) -> Said:
        self._nonces += 1
        body = tree if isinstance(tree, bytes) else orjson.dumps(tree)
        headers = signed(who, body, nonce=f"nonce-{self._nonces:04}") | more.pop("headers", {})
        return await ask(self.served.port, "/events", body, headers=headers, **more)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    published = Published()
    counts: Counter[tuple[str, str]] = Counter()
    dependencies = Dependencies(published, lambda: NOW_MS, lambda *what: counts.update([what]))
    limits = RateLimits(session_per_s=2.0, client_per_s=50.0)
    events = EventsHandler(
        dependencies, RequestSignatures(CLIENTS), TOKENS, DIRECTORY, HORIZONS, limits
    )
    async with served(Endpoint("events", "/events", events.handle)) as here:
        yield Place(here, published, counts)


def of_mei(*events: object) -> dict[str, object]:
    return {"token": TOKENS.seal(MEI_NOW, NOW_S), "events": events}


def result(said: Said) -> Any:
    return orjson.loads(said.body)


async def test_a_till_reports_and_is_answered_once_it_is_published(place: Place) -> None:
    said = await place.send(TILL, {"events": [event("payment.succeeded.v1", payment(), "7-1")]})

    assert said.status == 200
    assert result(said) == {
        "accepted": 1,
        "ignored": 0,
        "rejected": 0,
        "results": [{"status": "accepted", "id": "till-1:7-1"}],
    }
    assert [(e.topic, e.id) for e in place.published.events] == [("wechat.pay", "till-1:7-1")]
    assert place.served.counts("deliveries") == {("events", "events_till"): 1}


async def test_bytes_are_signed_and_not_what_they_mean(place: Place) -> None:
    body = orjson.dumps({"events": [event("payment.succeeded.v1", payment())]})
    spaced = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    said = await ask(place.served.port, "/events", spaced, headers=signed(TILL, body))

    assert said.status == 401
    assert (await place.send(TILL, spaced)).status == 200


async def test_some_rejected_is_207_and_the_others_are_published(place: Place) -> None:
    said = await place.send(SDK, of_mei(page(id_="1"), page(id_="2") | {"time": "now"}))

    assert said.status == 207
    assert result(said)["results"][1]["reason"] == "invalid_event"
    assert "$.events[1].time must be an RFC 3339 time" in result(said)["results"][1]["message"]
    assert len(place.published.events) == 1
    assert place.counts == {("sdk", "accepted"): 1, ("sdk", "invalid_event"): 1}


async def test_all_rejected_is_422_with_each_reason(place: Place) -> None:
    """A till which was offline for five weeks: nothing of it would ever count."""
    old = [event("payment.succeeded.v1", payment(success_time=T_2011), time=T_2011)] * 100
    said = await place.send(TILL, {"events": old})

    assert said.status == 422
    assert {r["reason"] for r in result(said)["results"]} == {"too_late"}
    assert place.published.events == []


async def test_one_person_reports_so_much_and_no_more(place: Place) -> None:
    async def report(number: int, who: tuple[str, str] = MEI) -> Said:
        token = TOKENS.seal(Session(f"s-{number}", *who, NOW_S + 60), NOW_S)  # logged in anew
        events = [page(id_=f"{number}-{n}") for n in range(100)]
        return await place.send(SDK, {"token": token, "events": events})

    assert [(await report(n)).status for n in range(2)] == [200, 200]
    said = await report(3)
    assert (said.status, said.headers["retry-after"]) == (429, "50")
    assert said.headers["content-type"].startswith("application/json")
    assert place.served.counts("rejections") == {("events", "limited"): 1}
    assert (await report(4, (MEI[0], "oLi000000000000000000000000003"))).status == 200
    till = await place.send(TILL, {"events": [event("payment.succeeded.v1", payment())]})
    assert till.status == 200


async def test_an_event_that_stands_twice_is_published_once(place: Place) -> None:
    said = await place.send(SDK, of_mei(page(), page()))

    assert (said.status, result(said)["accepted"]) == (200, 2)
    assert len(place.published.events) == 1


async def test_nothing_to_publish_is_an_answer_too(place: Place) -> None:
    said = await place.send(SDK, of_mei(track("$MPLaunch")))

    assert (said.status, result(said)["ignored"]) == (200, 1)
    assert place.published.events == []


async def test_a_person_of_an_sdk_is_whom_we_know_by_the_token(place: Place) -> None:
    await place.send(SDK, of_mei(track("$MPViewScreen", {"$url_path": "pages/menu"})))

    [said] = place.published.events
    assert (said.type, said.data.origin) == ("page.viewed.v1", MEI)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (None, 401, "$.token is no session token"),
        ("", 401, "$.token is no session token"),
        ("gAAAAABpo5sA", 401, "$.token is no session token"),
        (
            SessionTokens([b"somebody else's key, long enough"]).seal(MEI_NOW, NOW_S),
            401,
            "$.token is no session token",
        ),
        (TOKENS.seal(Session("s", *MEI, NOW_S), NOW_S - 60), 401, "$.token has expired"),
        (TOKENS.seal(Session("s", OTHER_APP, "o", NOW_S + 9), NOW_S), 403, "$.token is of an app"),
    ],
)
async def test_without_a_session_of_ours_an_sdk_says_nothing(
    place: Place, token: str | None, status: int, message: str
) -> None:
    batch = {"events": [page()]} | ({} if token is None else {"token": token})
    said = await place.send(SDK, batch)

    assert (said.status, result(said)["message"].startswith(message)) == (status, True)
    assert place.published.events == []


async def test_a_token_is_no_business_of_a_till(place: Place) -> None:
    assert (await place.send(TILL, of_mei(page()))).status == 400


async def test_kafka_away_is_503_and_the_same_request_may_come_again(place: Place) -> None:
    place.published.away = True
    body = orjson.dumps({"events": [event("payment.succeeded.v1", payment())]})
    headers = signed(TILL, body)
    assert (await ask(place.served.port, "/events", body, headers=headers)).status == 503

    place.published.away = False
    again = [(await ask(place.served.port, "/events", body, headers=headers)).status for _ in "12"]
    assert again == [200, 409]
    assert len(place.published.events) == 1


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"shadowpoints-client": "stranger"}, 401, "unknown_key"),
        ({"shadowpoints-signature": "0" * 64}, 401, "bad_signature"),
        ({"shadowpoints-timestamp": "0"}, 401, "bad_signature"),
        ({"shadowpoints-nonce": "~"}, 400, "malformed"),
    ],
)
async def test_rejections_are_counted_by_reason(
    place: Place, changes: dict[str, str], status: int, reason: str
) -> None:
    said = await place.send(BACKEND, {"events": [page()]}, headers=changes)

    assert said.status == status
    assert place.served.counts("rejections") == {("events", reason): 1}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[" * 60_000),
        b'{"events": ' + b'[{"a":' * 5_000 + b"1" + b"}]" * 5_000 + b"}",
        b'{"events": [{"data": {"n": ' + b"9" * 50_000 + b"}}]}",
    ],
)
async def test_bombs_are_400_or_rejected_events(place: Place, body: bytes) -> None:
    assert (await place.send(BACKEND, body)).status in (400, 207)
    assert place.published.events == []


async def test_an_oversized_body_is_413(place: Place) -> None:
    assert (await place.send(BACKEND, b" " * 300_000)).status == 413


async def test_events_are_posted(place: Place) -> None:
    assert (await place.send(BACKEND, {"events": [page()]}, method="GET")).status == 405


async def test_the_log_names_nobody(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    who = {"appid": OTHER_APP, "openid": "oSecretly0000000000000000000"}
    await place.send(BACKEND, {"events": [event("session.logged_in.v1", who)]})
    await place.send(BACKEND, {"events": who})

    assert "malformed" in caplog.text
    assert "oSecretly" not in caplog.text
