# SPDX-License-Identifier: Apache-2.0
"""Lookups of one consumer, signed, on an engine in this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import orjson
import pytest

from schemas import origin_consumer_id, union_consumer_id
from stream.brand.clients import Client, ClientKind, Right
from stream.engine.model.ruleset import ConsentMode
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoint_app import STATUS
from stream.gateway.endpoints.consumers import ConsumersHandler
from stream.gateway.endpoints.rate_limits import RateLimits
from stream.gateway.endpoints.request_signatures import RequestSignatures
from stream.gateway.endpoints.session_tokens import Session, SessionTokens
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import (
    APP,
    DIRECTORY,
    HORIZONS,
    MCHID,
    MEI,
    NOW_MS,
    NOW_S,
    OTHER_APP,
    client,
    event,
    page,
    payment,
    sent,
)
from tests.gateway.engine import Engine
from tests.gateway.test_account_lookup import LOGIN, said
from tests.scenarios import brand

LOOK_UP = frozenset({Right.LOOK_UP})
TILL = client(ClientKind.TILL, rights=LOOK_UP)
SDK = client(ClientKind.SDK, rights=LOOK_UP)
PLAIN = client(ClientKind.BACKEND)
OTHERS = client(
    ClientKind.TILL,
    id="till-2",
    rights=LOOK_UP,
    keys=(b"another key of thirty-two bytes or so",),
    appids=frozenset({OTHER_APP}),
    mchids=frozenset({"1900000009"}),
)
TOKENS = SessionTokens([b"a key of thirty-two bytes or more"])
TOKEN = TOKENS.seal(Session("s-1", *MEI, NOW_S + 7_200), NOW_S)
PAID_FEN = {"total": 6000, "payer_total": 6000, "currency": "CNY"}
PAID = said("payment.succeeded.v1", payment(amount=PAID_FEN))
FOLLOWED = said("account.followed.v1", {"appid": APP, "openid": MEI[1]}, NOW_MS + 1_000)
UNION = "uMei01"
ORIGIN = {"appid": APP, "openid": MEI[1]}


@dataclass
class Desk:
    """A handler, and what it stands on."""

    engine: Engine = field(default_factory=Engine)
    age_s: float = 0.25
    handler: ConsumersHandler = field(init=False)
    _nonces: int = 0

    def __post_init__(self) -> None:
        self.handler = ConsumersHandler(
            Dependencies(self.engine, lambda: self.engine.local.clock_ms),
            RequestSignatures({c.id: c for c in (TILL, SDK, PLAIN, OTHERS)}),
            TOKENS,
            DIRECTORY,
            HORIZONS,
            RateLimits(session_per_s=0.1, client_per_s=10),
            self.engine.accounts,
            lambda key: self.age_s,
            10.0,
        )

    async def ask(self, request: dict[str, Any], who: Client = TILL) -> dict[str, Any]:
        self._nonces += 1
        nonce = f"nonce-{self._nonces:04}"
        response = await self.handler.handle(sent(who, request, nonce=nonce))
        answer: dict[str, Any] = orjson.loads(response.body)
        return answer

    async def refusal(
        self, request: dict[str, Any], who: Client = TILL
    ) -> tuple[RejectReason, str]:
        with pytest.raises(DeliveryRejected) as rejected:
            await self.ask(request, who)
        return rejected.value.reason, rejected.value.message


async def test_a_till_hears_the_offer_in_words_and_what_unlocks_the_next_benefit() -> None:
    desk = Desk()
    await desk.engine([PAID, FOLLOWED])

    answer = await desk.ask(ORIGIN)
    assert answer["consumer_id"] == origin_consumer_id(*MEI)
    assert (answer["state"], answer["points"], answer["age_ms"]) == ("offer", 60, 250)
    assert answer["offer"]["points"] == 60
    assert answer["offer"]["text"]["zh-CN"] == "立即注册，领取 60 积分！1 次消费。另赠：咖啡一杯。"
    assert [b["id"] for b in answer["offer"]["benefits"]] == ["coffee"]
    assert answer["next_benefit"]["missing_points"] > 0
    assert "event" not in answer


async def test_whoever_names_them_by_another_way_gets_the_same_person() -> None:
    desk = Desk()
    await desk.engine([PAID, LOGIN, FOLLOWED])

    answers = [
        await desk.ask(ORIGIN),
        await desk.ask({"open_account": "abc-brand", "unionid": UNION}),
        await desk.ask({"transaction_id": payment()["transaction_id"]}),
        await desk.ask({"token": TOKEN}, SDK),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["consumer_id"] == union_consumer_id("abc-brand", UNION)


async def test_a_scan_at_the_till_is_answered_with_what_it_brought() -> None:
    desk = Desk(Engine(lags=True))
    await desk.engine([PAID])
    await desk.engine.settle()
    ticket = {"event_id": "fair-1", "list_id": "1", "ticket_id": "t-1"}
    scan = event("attendee.checked_in.v1", {**ORIGIN, **ticket})

    asking = asyncio.create_task(desk.ask({**ORIGIN, "event": scan, "within_s": 3}))
    await asyncio.sleep(0.1)
    assert not asking.done()
    await desk.engine.settle()
    answer = await asking
    assert (answer["event"], answer["state"]) == ("counted", "offer")
    assert answer["points"] > 60


async def test_an_event_that_the_engine_has_not_counted_in_time_is_accepted_all_the_same() -> None:
    desk = Desk(Engine(lags=True))
    answer = await desk.ask(
        {**ORIGIN, "event": event("payment.succeeded.v1", payment()), "within_s": 0}
    )
    assert (answer["event"], answer["state"]) == ("accepted", "unknown")
    assert [e.type for e in desk.engine.events] == ["payment.succeeded.v1"]


async def test_nothing_is_known_of_strangers() -> None:
    answer = await Desk().ask(ORIGIN)
    assert answer == {
        "consumer_id": origin_consumer_id(*MEI),
        "state": "unknown",
        "as_of": answer["as_of"],
        "age_ms": 250,
    }
    assert (await Desk().ask({"transaction_id": "4200000000202603010000009999"}))[
        "state"
    ] == "unknown"


async def test_below_the_threshold_the_missing_points_are_told() -> None:
    desk = Desk()
    await desk.engine([said("payment.succeeded.v1", payment()), FOLLOWED])
    answer = await desk.ask(ORIGIN)
    assert (answer["state"], answer["reason"]) == ("no_offer", "below_threshold")
    threshold = desk.engine.book.versions[0].offers[0].threshold_points
    assert answer["points"] + answer["missing_points"] == threshold


async def test_without_a_consent_no_number_is_told() -> None:
    rules = brand.rules()
    versions = tuple(replace(v, consent=ConsentMode.OPT_IN) for v in rules.versions)
    desk = Desk(Engine(replace(rules, versions=versions)))
    await desk.engine([PAID, FOLLOWED])
    answer = await desk.ask(ORIGIN)
    assert (answer["state"], answer["reason"]) == ("no_offer", "consent")
    assert not answer.keys() & {"points", "offer", "missing_points", "next_benefit"}


@pytest.mark.parametrize(
    ("who", "request_", "reason", "words"),
    [
        (PLAIN, ORIGIN, RejectReason.NOT_ALLOWED, "look_up"),
        (OTHERS, ORIGIN, RejectReason.NOT_ALLOWED, "$.appid"),
        (
            OTHERS,
            {"open_account": "abc-brand", "unionid": UNION},
            RejectReason.NOT_ALLOWED,
            "$.open_account",
        ),
        (
            OTHERS,
            {"transaction_id": payment()["transaction_id"]},
            RejectReason.NOT_ALLOWED,
            "merchant",
        ),
        (SDK, ORIGIN, RejectReason.NOT_ALLOWED, "$.token"),
        (TILL, {"token": TOKEN}, RejectReason.NOT_ALLOWED, "$.token"),
        (SDK, {"token": "x"}, RejectReason.NO_SESSION, "$.token"),
        (TILL, {}, RejectReason.MALFORMED, "name one person"),
        (TILL, {**ORIGIN, "unionid": UNION}, RejectReason.MALFORMED, "name one person"),
        (TILL, {"appid": APP}, RejectReason.MALFORMED, "name one person"),
        (TILL, {**ORIGIN, "openid": "a.b"}, RejectReason.MALFORMED, "$.openid"),
        (TILL, {**ORIGIN, "openid": ""}, RejectReason.MALFORMED, "$.openid"),
        (TILL, {**ORIGIN, "openid": 7}, RejectReason.MALFORMED, "$.openid"),
        (TILL, {**ORIGIN, "colour": 7}, RejectReason.MALFORMED, "colour"),
        (TILL, {**ORIGIN, "within_s": 60}, RejectReason.MALFORMED, "$.within_s"),
        (TILL, {**ORIGIN, "event": page()}, RejectReason.MALFORMED, "$.event.type"),
        (TILL, {**ORIGIN, "event": 7}, RejectReason.MALFORMED, "$.event"),
    ],
)
async def test_who_may_not_or_cannot_ask_learns_why(
    who: Client, request_: dict[str, Any], reason: RejectReason, words: str
) -> None:
    desk = Desk()
    await desk.engine([PAID, LOGIN])
    before = len(desk.engine.events)
    found, message = await desk.refusal(request_, who)
    assert (found, words in message) == (reason, True), message
    assert len(desk.engine.events) == before


async def test_a_refund_is_no_touchpoint_to_wait_for() -> None:
    data = {
        "mchid": MCHID,
        "transaction_id": payment()["transaction_id"],
        "refund_id": "50000000382019052709732678859",
        "refund_status": "SUCCESS",
        "success_time": event("x", {})["time"],
        "amount": {"total": 1850, "refund": 1850, "payer_total": 1850, "payer_refund": 1850},
    }
    request = {**ORIGIN, "event": event("refund.succeeded.v1", data)}
    assert await Desk().refusal(request) == (
        RejectReason.MALFORMED,
        "$.event must be a touchpoint.",
    )


@pytest.mark.parametrize("age_s", [inf, 10.1])
async def test_an_answer_that_may_be_too_old_is_no_answer(age_s: float) -> None:
    desk = Desk(age_s=age_s)
    reason, message = await desk.refusal(ORIGIN)
    assert STATUS[reason] == 503
    assert "10 s behind" in message


async def test_without_redis_there_is_no_answer() -> None:
    desk = Desk(Engine(blind=True))
    assert (await desk.refusal(ORIGIN))[0] is RejectReason.UNAVAILABLE


async def test_lookups_have_the_rate_of_events() -> None:
    desk = Desk()
    for _ in range(200):
        await desk.ask({"token": TOKEN}, SDK)
    assert (await desk.refusal({"token": TOKEN}, SDK))[0] is RejectReason.LIMITED
