# SPDX-License-Identifier: Apache-2.0
"""``POST /sessions`` over HTTP, against a stand-in for WeChat over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from schemas import encode_data, parse_time, time_ms
from stream.brand.clients import Client
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoints.rate_limits import REQUEST_MAX, RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import SessionTokens
from stream.gateway.endpoints.sessions import LIFETIME_S, SessionsHandler
from stream.gateway.json_http_client import JsonClient
from tests.gateway.endpoints.build import (
    APP,
    BACKEND,
    CLIENTS,
    MEI,
    NOW_MS,
    OTHER_APP,
    SDK,
    TILL,
    Published,
    signed,
)
from tests.gateway.http import Said, Served, ask, served
from tests.services.wechat import CODE2SESSION, WeChat

SECRET = "0123456789abcdef0123456789abcdef"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
CODE = "0e1Wvs0w3ZyQmT2Zex0w3vpAGp1Wvs0R"
TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])


@dataclass
class Place:
    served: Served
    published: Published
    wechat: WeChat
    _nonces: int = 0

    def answers(self, openid: Any = MEI[1], **more: Any) -> None:
        """What WeChat says of the code, in full."""
        result = {"openid": openid, "session_key": SESSION_KEY, **more}
        self.wechat.answer_bytes(CODE2SESSION, orjson.dumps(result))

    async def login(self, who: Client = SDK, **changes: Any) -> Said:
        self._nonces += 1
        body = orjson.dumps({"appid": APP, "js_code": CODE} | changes)
        headers = signed(who, body, nonce=f"nonce-{self._nonces:04}")
        return await ask(self.served.port, "/sessions", body, headers=headers)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    published = Published()
    limits = RateLimits(session_per_s=0.1, client_per_s=10.0)
    with WeChat() as wechat:
        wechat.add_app(APP, SECRET).codes[CODE] = MEI[1]
        fetcher = JsonClient(wechat.url, timeout_s=0.5, patience_s=1.0)
        sessions = SessionsHandler(
            published, RequestSignatures(CLIENTS), TOKENS, fetcher, {APP: SECRET}, limits
        )
        async with served(Endpoint("sessions", "/sessions", sessions.handle)) as here:
            yield Place(here, published, wechat)
        await fetcher.close()


def message(said: Said) -> str:
    return str(orjson.loads(said.body)["message"])


async def test_a_login_becomes_a_token_and_an_event(place: Place) -> None:
    place.wechat.apps[APP].unionids[MEI[1]] = "uMei0000000000000000000000001"
    said = await place.login()

    assert said.status == 201
    answer = orjson.loads(said.body)
    session = TOKENS.open(answer["token"])
    assert session is not None
    assert (session.appid, session.openid) == MEI
    assert session.expires_s == NOW_MS // 1000 + LIFETIME_S
    assert time_ms(parse_time(answer["expires_at"])) == session.expires_s * 1000

    [event] = place.published.events
    assert (event.topic, event.type) == ("wechat.mini-program", "session.logged_in.v1")
    assert (event.id, time_ms(event.time)) == (f"session:{session.id}", NOW_MS)
    assert orjson.loads(encode_data(event.data)) == {
        "appid": APP,
        "openid": MEI[1],
        "unionid": "uMei0000000000000000000000001",
        "is_snapshot_user": False,
    }


async def test_what_only_the_server_may_know_stays_here(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.answers()
    said = await place.login()
    everything = said.body + b"".join(encode_data(e.data) for e in place.published.events)

    assert SESSION_KEY.encode() not in everything
    assert MEI[1].encode() not in said.body
    for secret in (SESSION_KEY, SECRET, MEI[1], CODE):
        assert secret not in caplog.text


async def test_an_app_without_an_open_platform_account_has_no_union_id(place: Place) -> None:
    place.answers(f" {MEI[1]}", unionid="", errcode=0)

    assert (await place.login(BACKEND)).status == 201
    [event] = place.published.events
    assert (event.data.openid, event.data.unionid) == (MEI[1], None)  # type: ignore[attr-defined]


async def test_ids_shared_by_many_get_no_token_and_no_union_id(place: Place) -> None:
    place.answers(unionid="uVirtual", is_snapshotuser=1)
    said = await place.login()

    assert said.status == 403
    assert "real login" in message(said)
    [event] = place.published.events
    assert event.data.is_snapshot_user  # type: ignore[attr-defined]
    assert event.data.unionid is None  # type: ignore[attr-defined]


async def test_what_wechat_rejects_is_rejected(place: Place) -> None:
    place.wechat.answer_code(CODE2SESSION, 45011)

    assert (await place.login()).status == 429
    assert place.published.events == []


@pytest.mark.parametrize(
    ("who", "appid", "what"),
    [
        (SDK, OTHER_APP, "not among this client's apps"),
        (TILL, APP, "not among this client's apps"),
        (SDK, "wxUnknown", "not among this client's apps"),
    ],
)
async def test_a_client_opens_sessions_of_its_own_apps(
    place: Place, who: Client, appid: str, what: str
) -> None:
    said = await place.login(who, appid=appid)

    assert said.status == 403
    assert what in message(said)
    assert place.wechat.count(CODE2SESSION) == 0


async def test_a_person_who_logs_in_again_and_again_is_put_off_and_others_are_not(
    place: Place,
) -> None:
    said = []
    for _ in range(REQUEST_MAX + 1):
        place.answers()
        said.append(await place.login())
    assert [s.status for s in said] == [201] * REQUEST_MAX + [429]
    assert said[-1].headers["retry-after"] == "10"
    assert len(place.published.events) == REQUEST_MAX

    place.answers("oSomebodyElse0000000000000001")
    assert (await place.login()).status == 201


async def test_codes_that_lead_nowhere_are_limited_before_wechat_is_asked(place: Place) -> None:
    said = [await place.login(js_code=f"no-{n}") for n in range(602)]
    assert [s.status for s in said].count(429) == 2
    assert place.wechat.count(CODE2SESSION) == 600


async def test_an_app_without_a_secret_has_no_sessions() -> None:
    fetcher = JsonClient("http://127.0.0.1:9")
    limits = RateLimits(session_per_s=1, client_per_s=10)
    sessions = SessionsHandler(Published(), RequestSignatures(CLIENTS), TOKENS, fetcher, {}, limits)
    async with served(Endpoint("sessions", "/sessions", sessions.handle)) as here:
        body = orjson.dumps({"appid": APP, "js_code": CODE})
        said = await ask(here.port, "/sessions", body, headers=signed(SDK, body))

    assert said.status == 403
    assert "secret_env" in message(said)


@pytest.mark.parametrize(
    "changes", [{"js_code": ""}, {"js_code": 7}, {"js_code": "x" * 257}, {"appid": None}, {"a": 1}]
)
async def test_the_body_is_exact(place: Place, changes: dict[str, Any]) -> None:
    assert (await place.login(**changes)).status == 400
    assert place.wechat.count(CODE2SESSION) == 0


async def test_an_unsigned_login_is_not_asked_for(place: Place) -> None:
    said = await ask(place.served.port, "/sessions", b"{}")

    assert said.status == 401
    assert place.wechat.count(CODE2SESSION) == 0


async def test_there_is_no_token_before_kafka_has_the_login(place: Place) -> None:
    place.published.away = True

    assert (await place.login()).status == 503
