# SPDX-License-Identifier: Apache-2.0
"""pretix's webhooks over HTTP, its REST interface over HTTP, and the engine behind them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas import time_from_ms
from stream.brand.ticket_shops import Holds, TicketShop
from stream.gateway.endpoint import Endpoint
from stream.gateway.endpoints.pretix import PretixHandler
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.gateway.json_http_client import JsonClient
from tests.gateway.endpoints.build import APP, MEI, NOW_MS, NOW_S
from tests.gateway.engine import Engine
from tests.gateway.http import Said, Served, ask, served
from tests.services.pretix import Pretix as PretixServer

TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])
DOOR, BAR = 44, 45
AT = time_from_ms(NOW_MS - 60_000)
SHOP = TicketShop(
    organizer="abc",
    user="pretix",
    passwords=("new password", "old password"),
    base_url="",
    api_token="pretix-token",
    question="WECHAT",
    holds=Holds.SESSION_TOKEN,
)


def basic(user: str = "pretix", password: str = "new password") -> dict[str, str]:
    given = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {given}"}


@dataclass
class Place:
    served: Served
    engine: Engine
    pretix: PretixServer

    async def call(self, webhook: object, **more: Any) -> Said:
        body = webhook if isinstance(webhook, bytes) else orjson.dumps(webhook)
        headers = more.pop("headers", basic())
        path = more.pop("path", "/check-in/pretix/abc")
        return await ask(self.served.port, path, body, headers=headers, **more)

    @property
    def kinds(self) -> dict[str, float]:
        return {kind: n for (_, kind), n in self.served.counts("deliveries").items()}

    @property
    def said(self) -> list[tuple[str, str, Any]]:
        """Type, id and the person of what was published."""
        events: list[Any] = self.engine.events
        return [(e.type, e.id, e.data.origin or e.data.union) for e in events]


@asynccontextmanager
async def open_at(pretix: PretixServer, shop: TicketShop) -> AsyncIterator[Place]:
    engine = Engine()
    shops = {"abc": replace(shop, base_url=pretix.url)}
    endpoint = PretixHandler(
        engine,
        shops,
        engine.accounts,
        TOKENS,
        lambda url: JsonClient(url, timeout_s=0.5, patience_s=2),
    )
    path = "/check-in/pretix/{organizer}"
    async with served(Endpoint("pretix", path, endpoint.handle, challenge="Basic")) as here:
        yield Place(here, engine, pretix)
    await endpoint.close()


@pytest.fixture
async def pretix() -> AsyncIterator[PretixServer]:
    async with PretixServer.running() as server:
        server.sell(7, WECHAT=TOKENS.seal(Session("s", *MEI, NOW_S - 9_000_000), NOW_S))
        server.sell(8)
        yield server


@pytest.fixture
async def place(pretix: PretixServer) -> AsyncIterator[Place]:
    async with open_at(pretix, SHOP) as place:
        yield place


# --- check-ins ------------------------------------------------------------------------------------


async def test_a_check_in_becomes_an_event_of_the_person_in_the_ticket(place: Place) -> None:
    said = await place.call(place.pretix.check_in(7, DOOR, AT))

    assert (said.status, said.body) == (204, b"")
    id_ = f"pretix:tasting-2026:44:7:entry:{NOW_MS - 60_000}"
    assert place.said == [("attendee.checked_in.v1", id_, MEI)]
    [event] = place.engine.events
    assert event.time == AT
    assert event.data.model_dump(include={"event_id", "list_id", "ticket_id"}) == {
        "event_id": "tasting-2026",
        "list_id": "44",
        "ticket_id": "7",
    }
    assert place.engine.local.counts() == {"applied": 1}


async def test_pretix_calls_twice_and_it_counts_once(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    for _ in range(2):
        assert (await place.call(webhook)).status == 204

    assert place.engine.local.counts() == {"applied": 1, "duplicate": 1}


async def test_who_comes_back_in_has_come_once(place: Place) -> None:
    """Of a ticket, a list and a direction the first counts; in whatever order the calls come."""
    hour = timedelta(hours=1)
    server = place.pretix
    calls = [
        server.check_in(7, DOOR, AT - 3 * hour),
        server.check_in(7, DOOR, AT - 2 * hour, "exit"),
        server.check_in(7, DOOR, AT - hour),
        server.check_in(7, DOOR, AT, "exit"),
        server.check_in(7, BAR, AT),
    ]
    assert [c["first_checkin"] for c in calls] == [True, True, False, False, True]
    for webhook in reversed(calls):
        assert (await place.call(webhook)).status == 204

    assert len({id_ for _, id_, _ in place.said}) == 3
    assert place.engine.local.counts() == {"applied": 3, "duplicate": 2}


async def test_a_slug_with_a_dot_becomes_an_id_of_ours(place: Place) -> None:
    place.pretix.event = "tasting.2026"
    assert (await place.call(place.pretix.check_in(7, DOOR, AT))).status == 204

    assert place.engine.events[0].data.event_id == "tasting_2026"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("holds", "answer", "who"),
    [
        (Holds.OPENID, MEI[1], MEI),
        (Holds.OPENID, f" {MEI[1]}\n", MEI),
        (Holds.UNIONID, "uMei01", ("abc-brand", "uMei01")),
    ],
)
async def test_a_ticket_may_hold_an_id(
    pretix: PretixServer, holds: Holds, answer: str, who: tuple[str, str]
) -> None:
    pretix.sell(9, WECHAT=answer, SIZE="XL")
    shop = replace(SHOP, holds=holds, appid=APP, open_account="abc-brand")
    async with open_at(pretix, shop) as place:
        assert (await place.call(pretix.check_in(9, DOOR, AT))).status == 204
        assert [w for _, _, w in place.said] == [who]


async def test_a_ticket_that_says_nobody_is_counted(place: Place) -> None:
    place.pretix.sell(9, WECHAT="ask my sister")
    place.pretix.sell(10, SIZE="XL")
    for ticket in (8, 9, 10):
        assert (await place.call(place.pretix.check_in(ticket, DOOR, AT))).status == 204

    assert place.engine.events == []
    assert place.kinds == {"pretix_no_identity": 3}


@pytest.mark.parametrize("answer", ["OPENID", "o~", "o" * 129, "看见", "undefined"])
async def test_what_was_typed_in_is_nobody(pretix: PretixServer, answer: str) -> None:
    pretix.sell(9, WECHAT=answer)
    async with open_at(pretix, replace(SHOP, holds=Holds.OPENID, appid=APP)) as place:
        assert (await place.call(pretix.check_in(9, DOOR, AT))).status == 204
        assert place.kinds == {"pretix_no_identity": 1}


async def test_a_ticket_that_is_gone_is_counted(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    del place.pretix.positions[7]

    assert (await place.call(webhook)).status == 204
    assert place.kinds == {"pretix_ticket_deleted": 1}


# --- reverts --------------------------------------------------------------------------------------


async def test_a_check_in_that_is_taken_back_earns_nothing(place: Place) -> None:
    """pretix has deleted it by then: the time of it is known from the account alone."""
    await place.call(place.pretix.check_in(7, DOOR, AT))
    await place.call(place.pretix.check_in(7, BAR, AT))
    assert await balance(place) == 20

    webhook = place.pretix.revert(7, DOOR)
    for _ in range(2):
        assert (await place.call(webhook)).status == 204

    assert place.said[-1] == (
        "check_in.reverted.v1", f"pretix:tasting-2026:44:7:reverted:{NOW_MS - 60_000}", MEI,
    )  # fmt: skip
    assert await balance(place) == 10
    assert place.engine.local.counts() == {"applied": 3, "duplicate": 1}


async def test_who_is_checked_in_again_before_the_revert_is_accepted_of_stays_in(
    place: Place,
) -> None:
    await place.call(place.pretix.check_in(7, DOOR, AT))
    reverted = place.pretix.revert(7, DOOR)
    anew = place.pretix.check_in(7, DOOR, AT + timedelta(seconds=30))
    for webhook in (anew, reverted):
        assert (await place.call(webhook)).status == 204

    assert [type_ for type_, _, _ in place.said] == [
        "attendee.checked_in.v1", "attendee.checked_in.v1", "check_in.reverted.v1",
    ]  # fmt: skip
    assert await balance(place) == 10


async def test_who_is_checked_in_again_after_the_revert_is_in(place: Place) -> None:
    await place.call(place.pretix.check_in(7, DOOR, AT))
    await place.call(place.pretix.revert(7, DOOR))
    assert await balance(place) == 0

    anew = place.pretix.check_in(7, DOOR, AT + timedelta(seconds=30))
    for _ in range(2):
        assert (await place.call(anew)).status == 204
    assert await balance(place) == 10

    await place.call(place.pretix.revert(7, DOOR))
    assert await balance(place) == 0


async def test_who_was_checked_in_again_while_the_engine_lagged_stays_in(place: Place) -> None:
    """Both check-ins went out as the first; the revert of it tells of the second as such."""
    place.engine.lags = True
    await place.call(place.pretix.check_in(7, DOOR, AT))
    reverted = place.pretix.revert(7, DOOR)
    await place.call(place.pretix.check_in(7, DOOR, AT + timedelta(seconds=30)))
    place.engine.lags = False
    await place.engine.settle()

    assert (await place.call(reverted)).status == 204
    assert await balance(place) == 10


async def test_a_revert_waits_for_its_check_in(place: Place) -> None:
    place.engine.lags = True
    await place.call(place.pretix.check_in(7, DOOR, AT))
    webhook = place.pretix.revert(7, DOOR)
    assert (await place.call(webhook)).status == 503

    place.engine.lags = False
    await place.engine.settle()
    assert (await place.call(webhook)).status == 204
    assert await balance(place) == 0


async def test_a_check_in_that_is_over_before_it_is_accepted_of_is_no_event(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.pretix.revert(7, DOOR)

    assert (await place.call(webhook)).status == 204
    assert place.kinds == {"pretix_already_reverted": 1}


async def test_a_revert_finds_a_person_who_was_bound_since(pretix: PretixServer) -> None:
    pretix.sell(9, WECHAT=MEI[1])
    async with open_at(pretix, replace(SHOP, holds=Holds.OPENID, appid=APP)) as place:
        await place.call(pretix.check_in(9, DOOR, AT))
        login = {"appid": APP, "openid": MEI[1], "unionid": "uMei01"}
        place.engine.local.publish(
            "wechat.mini-program",
            None,
            orjson.dumps(
                {
                    "specversion": "1.0",
                    "id": "l-1",
                    "source": "urn:example",
                    "type": "session.logged_in.v1",
                    "time": "2026-02-28T23:59:00Z",
                    "data": login,
                }
            ),
        )
        await place.engine.settle()

        assert (await place.call(pretix.revert(9, DOOR))).status == 204
        assert place.engine.local.counts() == {"applied": 3}


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        *({}, {"authorization": ""}, {"authorization": "Basic"}, {"authorization": "Basic ???"}),
        {"authorization": "Bearer abc"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        *(basic(password="new"), basic(password="new password "), basic(user="somebody")),
        basic(password=""),
    ],
)
async def test_without_the_password_nobody_comes_in(place: Place, headers: dict[str, str]) -> None:
    said = await place.call(place.pretix.check_in(7, DOOR, AT), headers=headers)

    assert (said.status, said.headers["www-authenticate"]) == (401, "Basic")
    assert place.pretix.requests == 0


async def test_the_previous_password_still_fits(place: Place) -> None:
    headers = {
        "authorization": basic(password="old password")["authorization"].replace("B", "b", 1)
    }
    said = await place.call(place.pretix.check_in(7, DOOR, AT), headers=headers)

    assert said.status == 204


async def test_an_organizer_is_one_of_ours(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)

    assert (await place.call(webhook, path="/check-in/pretix/other")).status == 404
    assert (await place.call(webhook | {"organizer": "other"})).status == 400


@pytest.mark.parametrize("action", ["pretix.event.order.placed", "pretix.event.order.paid", "x"])
async def test_other_calls_are_acknowledged_and_counted(place: Place, action: str) -> None:
    said = await place.call({"organizer": "abc", "action": action, "event": "e", "code": "ABC23"})

    assert said.status == 204
    assert place.kinds == {"pretix_other": 1}
    assert place.pretix.requests == 0


@pytest.mark.parametrize(
    "changes",
    [
        *({"organizer": None}, {"action": 7}, {"event": "../orders"}, {"event": ".."}),
        *({"event": ""}, {"event": "a/b"}, {"event": "a b"}, {"event": None}),
        *({"orderposition_id": "7"}, {"orderposition_id": -1}, {"orderposition_id": None}),
        *({"orderposition_id": 2**64}, {"checkin_list": 1.5}, {"checkin_list": None}),
        {"type": "sideways"},
    ],
)
async def test_a_call_is_what_pretix_sends(place: Place, changes: dict[str, Any]) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT) | changes
    body = str(orjson.dumps({k: v for k, v in webhook.items() if v != 2**64}), "ascii")
    body = (
        body.replace("{", '{"orderposition_id": 18446744073709551616, ', 1)
        if (2**64 in webhook.values())
        else body
    )

    assert (await place.call(body.encode())).status == 400
    assert place.pretix.requests == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 50_000])
async def test_what_is_no_call_is_400(place: Place, body: bytes) -> None:
    assert (await place.call(body)).status == 400


@pytest.mark.parametrize("faults", [[503], [500, 502], [429]])
async def test_a_pretix_that_stumbles_is_asked_again(place: Place, faults: list[int]) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.pretix.faults += faults

    assert (await place.call(webhook)).status == 204
    assert place.pretix.requests == len(faults) + 1


@pytest.mark.parametrize("faults", [[503] * 3, [0] * 9, [401], [403], [302], [400]])
async def test_a_pretix_that_is_away_is_to_call_again(
    place: Place, faults: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.pretix.faults += faults
    assert (await place.call(webhook)).status == 503
    assert "pretix-token" not in caplog.text

    place.pretix.faults.clear()
    assert (await place.call(webhook)).status == 204
    assert place.engine.local.counts() == {"applied": 1}


@pytest.mark.parametrize(
    "position",
    [
        {"checkins": 7},
        {"checkins": [{"list": 44}]},
        {"checkins": [{"list": 44, "datetime": "yesterday", "type": "entry"}]},
        {"answers": [{"question_identifier": "WECHAT", "answer": None}]},
    ],
)
async def test_a_position_that_cannot_be_read_is_to_come_again(
    place: Place, position: dict[str, Any]
) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.pretix.positions[7] |= position

    assert (await place.call(webhook)).status == 503
    assert place.engine.events == []


async def test_without_redis_a_check_in_is_published_and_asked_for_again(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.engine.blind = True
    assert (await place.call(webhook)).status == 503
    assert place.engine.local.counts() == {"applied": 1}

    place.engine.blind = False
    assert (await place.call(webhook)).status == 204
    assert place.engine.local.counts() == {"applied": 1, "duplicate": 1}


async def test_kafka_away_is_to_come_again(place: Place) -> None:
    webhook = place.pretix.check_in(7, DOOR, AT)
    place.engine.away = True
    assert (await place.call(webhook)).status == 503

    place.engine.away = False
    assert (await place.call(webhook)).status == 204


async def test_the_log_names_nobody(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.pretix.sell(9, WECHAT="oSecretly")
    for webhook in (place.pretix.check_in(9, DOOR, AT), place.pretix.revert(7, DOOR), b"oSecretly"):
        await place.call(webhook)

    assert "oSecretly" not in caplog.text
    assert MEI[1] not in caplog.text


async def balance(place: Place) -> int:
    found = await place.engine.accounts.account_of_origin(*MEI)
    return found[1].posted.balance if found else 0
