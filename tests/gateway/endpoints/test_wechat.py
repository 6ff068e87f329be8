# SPDX-License-Identifier: Apache-2.0
"""WeChat's endpoints over real HTTP; a list replaces Kafka, or is unavailable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp import web

from stream.brand.forwarding import Forward
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoints.wechat import FindOffer, PayHandler, PushHandler
from stream.gateway.forwarder import Forwarder
from stream.wechat.push.body_parser import parse_body
from tests.gateway.endpoints.build import Published
from tests.gateway.http import NOW_MS, Said, Served, ask, served
from tests.services.web import serving
from tests.wechat.pay.sealed import Platform, merchant
from tests.wechat.pay.shapes import MCHID, SHAPES
from tests.wechat.push.build import (
    APPID,
    MEI,
    ORIGINAL_ID,
    Sent,
    account,
    decrypted,
    event,
    message,
    plain,
    plain_account,
    sealed,
    signed,
)
from tests.wechat.push.paid import virtual

NOW_S = NOW_MS // 1000
PLAIN_APP = "wx1a2b3c4d5e6f7a02"
PLATFORM = Platform(now_s=NOW_S)


@dataclass
class House:
    """WeChat's two endpoints, served."""

    served: Served
    log: Published

    async def pay(self, sent: Any, mchid: str = MCHID, **headers: str) -> Said:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/wechat/pay/{mchid}"
        return await ask(self.served.port, path, sent.body, headers=dict(sent.headers) | more)

    async def push(self, sent: Sent, app: str = APPID, method: str = "POST") -> Said:
        path = f"/wechat/push/{app}?{urlencode(sent.query)}"
        return await ask(self.served.port, path, sent.body, method=method)


@asynccontextmanager
async def house(
    find_offer: FindOffer | None = None,
    within_s: float = 1.0,
    *,
    forward: Forward | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    log, official = Published(), account(**settings)
    accounts = {
        APPID: official,
        ORIGINAL_ID: official,
        PLAIN_APP: plain_account(appid=PLAIN_APP, original_id=ORIGINAL_ID),
    }
    dependencies = Dependencies(log, lambda: NOW_MS)
    forwarder = Forwarder("abc", 10, dependencies.count_forward)
    pay = {MCHID: forward} if forward else {}
    push = {APPID: forward} if forward else {}
    endpoints = [
        PayHandler({MCHID: merchant()}, dependencies, forwarder, pay).endpoint(),
        PushHandler(accounts, dependencies, find_offer, within_s, forwarder, push).endpoint(),
    ]
    async with served(*endpoints, GATEWAY_ANSWER_WITHIN_S="2") as gateway:
        yield House(gateway, log)
    await forwarder.close()


def notice(name: str = "direct") -> Any:
    return PLATFORM.send(SHAPES[name])


@pytest.mark.parametrize("name", SHAPES)
async def test_every_notification_is_204_and_its_kind_is_counted(name: str) -> None:
    async with house() as endpoints:
        said = await endpoints.pay(notice(name))

    assert (said.status, said.body) == (204, b"")
    assert tuple(event.type for event in endpoints.log.events) == SHAPES[name].becomes
    assert endpoints.served.counts("deliveries") == {("pay", SHAPES[name].kind): 1}


async def test_a_notification_is_not_accepted_while_kafka_is_away() -> None:
    async with house() as endpoints:
        endpoints.log.away = True
        rejected = await endpoints.pay(notice())
        endpoints.log.away = False
        again = await endpoints.pay(notice())

    assert (rejected.status, again.status) == (503, 204)
    assert orjson.loads(rejected.body)["code"] == "FAIL"
    assert len(endpoints.log.events) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"wechatpay_signature": "WECHATPAY/SIGNTEST/AAAA"}, 401),
        ({"wechatpay_signature": "AAAA"}, 401),
        ({"wechatpay_nonce": "other"}, 401),
        ({"wechatpay_serial": "PUB_KEY_ID_0119000000012026010100000000009999"}, 401),
        ({"wechatpay_timestamp": str(NOW_S - 300)}, 401),
        ({"wechatpay_timestamp": "soon"}, 401),
    ],
)
async def test_what_is_not_signed_by_wechat_is_401(headers: dict[str, str], status: int) -> None:
    async with house() as endpoints:
        said = await endpoints.pay(notice(), **headers)

    assert said.status == status
    assert endpoints.log.events == []


async def test_a_merchant_who_is_not_ours_is_404() -> None:
    async with house() as endpoints:
        said = await endpoints.pay(notice(), mchid="1900000002")

    assert said.status == 404
    assert endpoints.served.counts("rejections") == {("pay", "unknown_account"): 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[" * 50_000, 400), (b'{"id": 1e999}', 400), (b"x" * 131_073, 413)],
)
async def test_what_wechat_would_never_sign_is_rejected_by_its_shape(
    body: bytes, status: int
) -> None:
    async with house() as endpoints:
        said = await endpoints.pay(PLATFORM.sign(body))

    assert said.status == status


async def test_the_check_of_the_address_is_answered_with_its_echo() -> None:
    async with house() as endpoints:
        asked = Sent({**signed(NOW_S), "echostr": "5838479218127813673"}, b"")
        said = await endpoints.push(asked, method="GET")
        by_original_id = await endpoints.push(asked, app=ORIGINAL_ID, method="GET")
        forged = await endpoints.push(Sent({**asked.query, "nonce": "1"}, b""), method="GET")

    assert (said.status, said.body) == (200, b"5838479218127813673")
    assert said.headers["content-type"] == "text/plain"
    assert (by_original_id.status, forged.status) == (200, 401)


@pytest.mark.parametrize("app", [APPID, ORIGINAL_ID])
async def test_a_push_is_answered_success_once_it_is_published(app: str) -> None:
    sent = sealed(event("CLICK", EventKey="menu", at=NOW_S), NOW_S)
    async with house() as endpoints:
        endpoints.log.away = True
        rejected = await endpoints.push(sent, app)
        assert endpoints.log.events == []
        endpoints.log.away = False
        statuses = [(await endpoints.push(sent, app)).status for _ in range(2)]

    assert (rejected.status, statuses) == (503, [200, 200])
    assert {event.type for event in endpoints.log.events} == {"menu.clicked.v1"}
    assert len({event.id for event in endpoints.log.events}) == 1


async def test_an_unknown_app_a_plain_push_and_another_apps_are_rejected() -> None:
    click = event("CLICK", EventKey="menu", at=NOW_S)
    async with house() as endpoints:
        unknown = await endpoints.push(sealed(click, NOW_S), app="wx0000000000000000")
        unsealed = await endpoints.push(plain(click, NOW_S))
        elsewhere = await endpoints.push(sealed(click, NOW_S, appid=PLAIN_APP))
        stale = await endpoints.push(sealed(click, NOW_S - 300))

    assert [s.status for s in (unknown, unsealed, elsewhere, stale)] == [404, 401, 403, 401]
    assert endpoints.log.events == []


async def test_a_plain_signature_counts_for_one_body_alone() -> None:
    first = plain(event("CLICK", EventKey="a", at=NOW_S), NOW_S)
    forged = Sent(first.query, plain(event("CLICK", EventKey="b", at=NOW_S), NOW_S).body)
    async with house() as endpoints:
        statuses = [
            (await endpoints.push(sent, PLAIN_APP)).status for sent in (first, first, forged, first)
        ]

    assert statuses == [200, 200, 409, 200]
    assert endpoints.served.counts("rejections") == {("push", "replayed"): 1}


# --- replies ----------------------------------------------------------------------------------


SUBSCRIBE = event("subscribe", EventKey="qrscene_7", Ticket="t", at=NOW_S)


async def an_offer(appid: str, openid: str, within_s: float) -> str | None:
    assert (appid, openid) == (APPID, MEI)
    assert 0 < within_s <= 1.0
    return "现在注册，得 1,360 积分"


@pytest.mark.parametrize(
    "push", [SUBSCRIBE, event("SCAN", EventKey="7", Ticket="t", at=NOW_S)], ids=["follow", "scan"]
)
async def test_who_follows_or_scans_gets_the_live_offer_encrypted(push: dict[str, Any]) -> None:
    async with house(an_offer) as endpoints:
        said = await endpoints.push(sealed(push, NOW_S))

    envelope = parse_body(said.body)[0]
    words, appid = decrypted(envelope.text("encrypt"))
    reply = parse_body(words)[0]
    assert (said.status, said.headers["content-type"], appid) == (200, "text/xml", APPID)
    assert (reply.text("content"), reply.text("tousername")) == ("现在注册，得 1,360 积分", MEI)
    assert len(endpoints.log.events) == 1


async def test_nobody_else_is() -> None:
    async with house(an_offer) as endpoints:
        said = [
            await endpoints.push(sealed(push, NOW_S))
            for push in (
                event("CLICK", EventKey="menu", at=NOW_S),
                message("text", Content="hello", at=NOW_S),
                event("unsubscribe", at=NOW_S),
            )
        ]

    assert {s.body for s in said} == {b"success"}


async def test_without_an_offer_it_is_success() -> None:
    async def none(appid: str, openid: str, within_s: float) -> str | None:
        return None

    for finder, within_s in ((none, 1.0), (None, 1.0), (an_offer, 0.0)):
        async with house(finder, within_s) as endpoints:
            said = await endpoints.push(sealed(SUBSCRIBE, NOW_S))
        assert said.body == b"success"


@pytest.mark.parametrize("is_json", [False, True])
async def test_messages_go_to_the_desk_where_the_account_says_so(is_json: bool) -> None:
    """A person writes 人工; events, and other accounts, are answered as ever."""
    text = message("text", Content="人工", at=NOW_S)
    async with house(desk_answers=True) as endpoints:
        said = await endpoints.push(sealed(text, NOW_S, is_json=is_json))
        click = await endpoints.push(sealed(event("CLICK", EventKey="m", at=NOW_S), NOW_S))
        elsewhere = await endpoints.push(plain(text, NOW_S), PLAIN_APP)

    words, appid = decrypted(parse_body(said.body)[0].text("encrypt"))
    reply, as_json = parse_body(words)
    assert (appid, as_json) == (APPID, is_json)
    assert reply.text("msgtype") == "transfer_customer_service"
    assert (reply.text("tousername"), reply.text("fromusername")) == (MEI, ORIGINAL_ID)
    assert (click.body, elsewhere.body) == (b"success", b"success")
    assert endpoints.log.events[0].type == "message.received.v1"


async def test_a_push_that_wants_an_error_code_gets_none() -> None:
    goods = virtual("xpay_goods_deliver_notify", CreateTime=NOW_S)
    member = event("channels_ec_vip_user_info_get", at=NOW_S)
    async with house() as endpoints:
        as_json = await endpoints.push(sealed(goods, NOW_S, is_json=True))
        as_xml = await endpoints.push(sealed(goods, NOW_S))
        decision = await endpoints.push(sealed(member, NOW_S))

    assert orjson.loads(as_json.body) == {"ErrCode": 0, "ErrMsg": "success"}
    answer = parse_body(as_xml.body)[0]
    assert (answer.text("errcode"), answer.text("errmsg")) == ("0", "success")
    assert (decision.status, decision.body) == (200, b"success")
    assert endpoints.served.counts("deliveries")["push", "answer_wanted"] == 1


# --- forwards -------------------------------------------------------------------------------------


@dataclass
class Crm:
    """The brand's other system: its answers, and what it got."""

    url: str = ""
    status: int = 200
    body: bytes = b"success"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((request.path_qs, await request.read()))
        return web.Response(status=self.status, body=self.body, headers=self.headers)

    def to(self, *, everything: bool = True) -> Forward:
        return Forward(f"{self.url}/crm", everything)


@pytest.fixture
async def crm() -> AsyncIterator[Crm]:
    made = Crm()
    async with serving("POST", "/crm", made.answer) as made.url:
        yield made


CLICK = event("CLICK", EventKey="menu", at=NOW_S)
TEXT = message("text", Content="hello", at=NOW_S)
PHOTO = event("photo_of_some_day", at=NOW_S)
GOODS = event("xpay_goods_deliver_notify", at=NOW_S, OpenId=MEI, OutTradeNo="VP1")


async def test_what_is_forwarded_is_also_published_and_the_answer_is_the_other_sides(
    crm: Crm,
) -> None:
    crm.body, crm.headers = b'{"Encrypt": "eA=="}', {"content-type": "application/json"}
    sent, paid = sealed(CLICK, NOW_S), notice()
    async with house(forward=crm.to()) as endpoints:
        push, pay = await endpoints.push(sent), await endpoints.pay(paid)

    assert (push.status, push.body, push.headers["content-type"]) == (
        *(200, crm.body, "application/json"),
    )
    assert (pay.status, pay.body) == (200, crm.body)
    assert crm.got == [(f"/crm?{urlencode(sent.query)}", sent.body), ("/crm", paid.body)]
    assert [e.type for e in endpoints.log.events] == ["menu.clicked.v1", "payment.succeeded.v1"]
    assert set(endpoints.served.counts("deliveries")) == {
        ("push", "menu_clicked"),
        ("pay", "payment"),
    }


@pytest.mark.parametrize("status", [400, 500])
async def test_what_the_other_side_does_not_take_comes_again_and_is_one_event(
    crm: Crm, status: int
) -> None:
    crm.status, crm.body = status, b'{"code": "FAIL"}'
    async with house(forward=crm.to()) as endpoints:
        refused = [await endpoints.pay(notice()), await endpoints.push(sealed(CLICK, NOW_S))]
        crm.status = 204
        again = [await endpoints.pay(notice()), await endpoints.push(sealed(CLICK, NOW_S))]

    assert [(said.status, said.body) for said in refused] == [(status, crm.body)] * 2
    assert {said.status for said in again} == {204}
    assert len({event.id for event in endpoints.log.events}) == 2


async def test_neither_side_waits_for_the_other_to_come_back(crm: Crm) -> None:
    """Kafka away, then the other system away: whoever is there gets it, WeChat hears of neither."""
    async with house(forward=crm.to()) as endpoints:
        endpoints.log.away = True
        first = await endpoints.pay(notice())
        assert len(crm.got) == 1
        endpoints.log.away = False
    async with house(forward=Forward("http://127.0.0.1:9/")) as endpoints:
        second = [await endpoints.pay(notice()), await endpoints.push(sealed(TEXT, NOW_S))]
        assert len(endpoints.log.events) == 2

    assert first.status == 503
    assert [said.status for said in second] == [502, 502]
    assert endpoints.served.counts("rejections") == {
        ("pay", "forward_failed"): 1,
        ("push", "forward_failed"): 1,
    }


async def test_a_forged_delivery_goes_nowhere_and_one_not_read_here_goes_on(crm: Crm) -> None:
    other_key = Platform(api_v3_key=b"x" * 32, now_s=NOW_S)
    async with house(forward=crm.to()) as endpoints:
        forged = await endpoints.pay(notice(), wechatpay_signature="AAAA")
        unsigned = await endpoints.push(Sent({}, sealed(CLICK, NOW_S).body))
        assert crm.got == []
        unread = [
            await endpoints.pay(other_key.send(SHAPES["direct"])),
            await endpoints.push(sealed(CLICK, NOW_S, appid=PLAIN_APP)),
        ]

    assert [said.status for said in (forged, unsigned)] == [401, 401]
    assert [said.status for said in unread] == [400, 403]  # WeChat tries again, until we can read
    assert len(crm.got) == 2
    assert endpoints.log.events == []


@pytest.mark.parametrize(
    ("push", "desk", "goes"),
    [
        (CLICK, False, False),
        (PHOTO, False, True),
        (TEXT, False, True),
        (TEXT, True, False),
        (GOODS, False, True),
    ],
    ids=["event", "no event", "message", "desk", "error code"],
)
async def test_the_rest_is_what_the_gateway_alone_does_not_deal_with(
    crm: Crm, push: dict[str, Any], desk: bool, goes: bool
) -> None:
    async with house(forward=crm.to(everything=False), desk_answers=desk) as endpoints:
        await endpoints.push(sealed(push, NOW_S))
        assert bool(crm.got) is goes
        await endpoints.pay(notice())
        assert bool(crm.got) is goes
        assert (await endpoints.pay(notice("profit sharing"))).status == 200
        assert len(crm.got) == goes + 1


async def test_an_answer_that_only_acknowledges_leaves_room_for_ours(crm: Crm) -> None:
    async with house(an_offer, forward=crm.to(), desk_answers=True) as endpoints:
        for content in (SUBSCRIBE, TEXT):
            crm.body = b" success\n"
            ours = await endpoints.push(sealed(content, NOW_S))
            assert parse_body(ours.body)[0].text("encrypt")
            crm.body = b"<xml>theirs</xml>"
            assert (await endpoints.push(sealed(content, NOW_S))).body == crm.body
        crm.status, crm.body = 500, b""
        assert (await endpoints.push(sealed(TEXT, NOW_S))).status == 500


async def test_the_check_of_the_address_is_not_forwarded(crm: Crm) -> None:
    asked = Sent({**signed(NOW_S), "echostr": "583"}, b"")
    async with house(forward=crm.to()) as endpoints:
        said = await endpoints.push(asked, method="GET")

    assert (said.status, said.body, crm.got) == (200, b"583", [])


async def test_nothing_that_names_a_person_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(an_offer) as endpoints:
        await endpoints.pay(notice())
        await endpoints.push(sealed(SUBSCRIBE, NOW_S))
        await endpoints.push(sealed(SUBSCRIBE, NOW_S - 900))
        await endpoints.push(plain(SUBSCRIBE, NOW_S))
        await asyncio.sleep(0)

    assert "rejected" in caplog.text
    assert [word for word in (MEI, "qrscene_7", "signature=") if word in caplog.text] == []
