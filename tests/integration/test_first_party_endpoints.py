# SPDX-License-Identifier: Apache-2.0
"""First-party endpoints and offers in replies: gateway, Kafka, worker and Redis, all real."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from schemas import format_time, time_from_ms
from stream.brand.clients import ClientKind
from stream.engine.model.decision import Channel
from stream.gateway.endpoints.consumers import PATH
from tests.gateway.endpoints.build import client, payment, signed, track
from tests.gateway.http import Said, ask
from tests.integration.cluster import Cluster
from tests.integration.gateway import Gateway, gateway
from tests.services.pretix import Pretix
from tests.services.redis import RedisServer
from tests.services.wechat import WeChat
from tests.support.payloads import structured
from tests.wechat.push.build import (
    APPID,
    ENCODING_AES_KEY,
    ORIGINAL_ID,
    TOKEN,
    decrypted,
    event,
    sealed,
)

pytestmark = pytest.mark.integration

MP: Final = "wx1a2b3c4d5e6f7a02"
MEI_OA, MEI_MP, MEI = "oOfficialMei0000000000000001", "oMiniMei00000000000000000001", "uMei01"
TILL = client(ClientKind.TILL, id="till", appids=frozenset({APPID, MP}))
SDK = client(ClientKind.SDK, id="sdk", appids=frozenset({MP}))
SECRET: Final = "0123456789abcdef0123456789abcdef"
PASSWORD: Final = "twelve or more"
RULES: Final = """\
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_out
    earn:
      - {id: spend, touchpoint: purchase, points_per_yuan: 1}
      - {id: look, touchpoint: product_view, points: 1}
      - {id: visit, touchpoint: check_in, points: 10}
    offers:
      - id: welcome
        threshold_points: 20
        triggers: [follow, scan, check_in]
        lifetime: {days: 30}
        cooldown_hours: 0
        benefits:
          - {id: gift_and_40_off, from_points: 70,
             text: {zh-CN: 六折优惠及精美礼品一份, en: 40 % off and a gift}}
        text:
          zh-CN: 立即注册，领取 {points} 积分！{reasons}
          en: "Sign up now for {points} points: {reasons}"
        short_text: {zh-CN: "{points}积分待领取", en: "{points} pts await"}
    reasons:
      zh-CN: {purchase: "{count} 次消费", check_in: "{count} 次签到"}
      en: {purchase: "purchases: {count}", check_in: "check-ins: {count}"}
"""
APPS: Final = f"""\
apps:
  - appid: {APPID}
    name: Official Account
    kind: official_account
    original_id: {ORIGINAL_ID}
    open_account: abc-brand
    push: {{token_env: OA_TOKEN, aes_key_env: OA_AES_KEY}}
  - {{appid: {MP}, name: Mini-program, kind: mini_program, open_account: abc-brand,
     secret_env: MP_SECRET}}
sessions: {{key_env: SESSION_KEY}}
clients:
  - {{id: till, name: Till, kind: till, key_env: TILL_KEY,
     types: [payment.succeeded.v1, attendee.checked_in.v1],
     appids: [{APPID}, {MP}], mchids: ["1900000001"], rights: [look_up]}}
  - {{id: sdk, name: SDK, kind: sdk, key_env: SDK_KEY, types: [page.viewed.v1, product.viewed.v1],
     appids: [{MP}]}}
check_in:
  - {{organizer: abc, user: pretix, password_env: PRETIX_PASSWORD, api_url: PRETIX_URL,
     api_token_env: PRETIX_TOKEN, question: WECHAT, holds: session_token}}
"""
ENVIRON: Final = {
    "OA_TOKEN": TOKEN, "OA_AES_KEY": ENCODING_AES_KEY, "MP_SECRET": SECRET,
    "SESSION_KEY": "the key of sessions, thirty-two or more", "TILL_KEY": TILL.keys[0].decode(),
    "SDK_KEY": SDK.keys[0].decode(), "PRETIX_PASSWORD": PASSWORD, "PRETIX_TOKEN": "pretix-token",
}  # fmt: skip


@dataclass
class Brand:
    """A deployment with its gateway, and the other servers around it."""

    cluster: Cluster
    gate: Gateway
    pretix: Pretix
    wechat: WeChat
    _nonces: int = 0

    async def send(self, who: Any, path: str, tree: object) -> Said:
        self._nonces += 1
        body = orjson.dumps(tree)
        headers = signed(who, body, at_s=int(time.time()), nonce=f"nonce-{self._nonces:04}")
        return await ask(self.gate.port, path, body, headers=headers)

    async def look_up(self, request: dict[str, Any]) -> dict[str, Any]:
        """Once the gateway knows how far the workers are."""
        async with asyncio.timeout(60):
            while (said := await self.send(TILL, PATH, request)).status == 503:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert said.status == 200, said
        answer: dict[str, Any] = orjson.loads(said.body)
        return answer

    async def call(self, webhook: object) -> Said:
        given = base64.b64encode(f"pretix:{PASSWORD}".encode()).decode()
        headers = {"authorization": f"Basic {given}"}
        path = "/check-in/pretix/abc"
        return await ask(self.gate.port, path, orjson.dumps(webhook), headers=headers)

    async def push(self, name: str, openid: str, **fields: str) -> str:
        """What the person sees as the answer; ``""`` if nothing."""
        now_s = int(time.time())
        sent = sealed(event(name, openid=openid, at=now_s, **fields), now_s)
        said = await self.gate.push(sent)
        assert said.status == 200
        if said.body == b"success":
            return ""
        (encrypt,) = re.findall(rb"<Encrypt><!\[CDATA\[(.*?)\]\]></Encrypt>", said.body)
        message = decrypted(encrypt.decode())[0].decode()
        assert f"<ToUserName><![CDATA[{openid}]]></ToUserName>" in message
        (text,) = re.findall(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", message, re.DOTALL)
        return str(text)

    async def pay(self, number: int, yuan: int, appid: str, openid: str) -> Said:
        data = payment(
            appid=appid,
            payer={"openid": openid},
            transaction_id=f"42000000002026{number:014}",
            success_time=now(),
            amount={"total": yuan * 100, "payer_total": yuan * 100, "currency": "CNY"},
        )
        report = {"id": f"p-{number}", "type": "payment.succeeded.v1", "time": now(), "data": data}
        return await self.send(TILL, "/events", {"events": [report]})

    async def balances(self) -> dict[str, int]:
        points: dict[str, int] = defaultdict(int)
        for record in {r.id: r for r in await self.cluster.read_channel(Channel.LEDGER)}.values():
            entry = orjson.loads(record.value or b"")
            points[entry["consumer_id"]] += entry["points"]
        return {consumer: balance for consumer, balance in points.items() if balance}

    async def offers(self) -> list[Any]:
        records = await self.cluster.read_channel(Channel.OFFERS)
        return [orjson.loads(record.value or b"") for record in records]


def now() -> str:
    return format_time(time_from_ms(int(time.time() * 1000)))


@asynccontextmanager
async def open_brand(cluster: Cluster, directory: Path) -> AsyncIterator[Brand]:
    (directory / "rules.yaml").write_text(RULES, "utf-8")
    async with Pretix.running() as pretix:
        with WeChat() as wechat:
            wechat.add_app(MP, SECRET)
            apps = directory / "apps.yaml"
            apps.write_text(APPS.replace("PRETIX_URL", pretix.url), "utf-8")
            cluster.settings |= {"RULES": str(directory / "rules.yaml"), "APPS": str(apps)}
            settings = {
                "WECHAT_API_URL": wechat.url,
                "GATEWAY_ANSWER_WITHIN_S": "4.8",
                "GATEWAY_OFFER_WITHIN_S": "4",
            }
            async with gateway(cluster, dict(ENVIRON), **settings) as gate:
                yield Brand(cluster, gate, pretix, wechat)


async def test_followers_read_what_signing_up_would_pay(cluster: Cluster, tmp_path: Path) -> None:
    """Paid at the till by code, in the account she follows; nothing was offered before."""
    async with open_brand(cluster, tmp_path) as brand:
        cluster.start_worker()
        assert (await brand.pay(1, 60, APPID, MEI_OA)).status == 200
        await cluster.settled()
        assert await brand.offers() == []

        text, strangers = await asyncio.gather(
            brand.push("subscribe", MEI_OA), brand.push("subscribe", "oStranger")
        )
        assert (text, strangers) == ("立即注册，领取 60 积分！1 次消费", "")
        [offer] = await brand.offers()
        assert offer["text"]["zh-CN"] == text

        assert await brand.push("SCAN", MEI_OA, EventKey="poster-7") == text
        assert await brand.push("VIEW", MEI_OA, EventKey="https://abc.example/") == ""

        await cluster.publish([withdrawn()])
        await cluster.settled()
        assert await brand.push("SCAN", MEI_OA, EventKey="poster-8") == ""
        assert await cluster.dead_letters() == []


async def test_a_scan_at_the_till_is_answered_with_what_signing_up_brings(
    cluster: Cluster, tmp_path: Path
) -> None:
    """One request: the event in, the benefit out, within a second after Kafka has it."""
    who = {"appid": APPID, "openid": MEI_OA}
    async with open_brand(cluster, tmp_path) as brand:
        assert (await brand.look_up(who))["state"] == "unknown"
        worker = cluster.start_worker()
        assert (await brand.pay(1, 60, APPID, MEI_OA)).status == 200
        await cluster.settled()

        before = await brand.look_up(who)
        assert (before["state"], before["points"]) == ("no_offer", 60)
        for number in range(5):  # a machine may be busy for more than a second
            ids = {"event_id": "till-7", "list_id": "1", "ticket_id": f"scan-{number}"}
            scan = {"id": f"s-{number}", "type": "attendee.checked_in.v1", "time": now()}
            answer = await brand.look_up(
                {**who, "event": scan | {"data": who | ids}, "within_s": 1}
            )
            if answer["event"] == "counted":
                break
        assert (answer["event"], answer["state"]) == ("counted", "offer")
        assert answer["points"] == 60 + 10 * (number + 1)
        [benefit] = answer["offer"]["benefits"]
        assert benefit["text"]["en"] == "40 % off and a gift"
        assert answer["offer"]["text"]["en"].startswith(
            f"Sign up now for {answer['points']} points"
        )

        assert (await brand.send(SDK, PATH, who)).status == 403
        await asyncio.to_thread(cluster.kill_worker, worker)
        assert (await brand.pay(2, 60, APPID, MEI_OA)).status == 200
        async with asyncio.timeout(60):
            while (said := await brand.send(TILL, PATH, who)).status == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        assert said.status == 503
        assert said.headers["retry-after"] == "1"
        assert b"10 s behind" in said.body
        assert await cluster.dead_letters() == []


def withdrawn() -> Any:
    data = {"appid": APPID, "openid": MEI_OA, "text_version": "1", "channel": "crm"}
    said = structured("consent.withdrawn.v1", "w-1", now(), data)
    return "privacy.requests", None, said, []


async def test_till_app_and_ticket_shop_reach_the_ledger(cluster: Cluster, tmp_path: Path) -> None:
    async with open_brand(cluster, tmp_path) as brand:
        cluster.start_worker()
        assert (await brand.pay(1, 7, MP, MEI_MP)).status == 200

        brand.wechat.apps[MP].codes["code-1"] = MEI_MP
        brand.wechat.apps[MP].unionids[MEI_MP] = MEI
        said = await brand.send(SDK, "/sessions", {"appid": MP, "js_code": "code-1"})
        assert said.status == 201
        token = orjson.loads(said.body)["token"]

        view = track("ViewProduct", {"product_id": 7, "product_price": 18.5})
        view |= {"time": int(time.time() * 1000) - 60_000}
        for _ in range(2):  # an SDK resends
            said = await brand.send(SDK, "/events", {"token": token, "events": [view]})
            assert said.status == 200

        brand.pretix.sell(7, WECHAT=token)
        at = time_from_ms(int(time.time()) * 1000 - 60_000)
        check_ins = [brand.pretix.check_in(7, list_, at) for list_ in (44, 45)]
        for webhook in [*check_ins, *check_ins]:  # pretix may call twice
            assert (await brand.call(webhook)).status == 204
        await cluster.settled()
        assert await brand.balances() == {f"union.abc-brand.{MEI}": 7 + 1 + 10 + 10}

        assert (await brand.call(brand.pretix.revert(7, 44))).status == 204
        await cluster.settled()
        assert await brand.balances() == {f"union.abc-brand.{MEI}": 7 + 1 + 10}
        assert await cluster.dead_letters() == []
        log = brand.gate.log.read_text()
        for secret in (MEI, MEI_MP, token, *ENVIRON.values()):
            assert secret not in log


async def test_without_redis_events_are_taken_and_replies_are_plain(
    new_cluster: Callable[..., Cluster], new_redis: Callable[..., RedisServer], tmp_path: Path
) -> None:
    redis = new_redis("everysec")
    cluster = new_cluster()
    cluster.redis_url = redis.url
    async with open_brand(cluster, tmp_path) as brand:
        assert await brand.push("subscribe", MEI_OA) == ""
        await asyncio.to_thread(redis.kill)

        assert await brand.push("SCAN", MEI_OA, EventKey="poster-7") == ""
        assert (await brand.pay(1, 60, APPID, MEI_OA)).status == 200
        brand.wechat.apps[MP].codes["code-1"] = MEI_MP
        said = await brand.send(SDK, "/sessions", {"appid": MP, "js_code": "code-1"})
        brand.pretix.sell(7, WECHAT=orjson.loads(said.body)["token"])
        at = time_from_ms(int(time.time()) * 1000 - 60_000)
        # Published, and asked for again: whether another was taken back before is not known yet.
        assert (await brand.call(brand.pretix.check_in(7, 44, at))).status == 503
        assert (await brand.call(brand.pretix.revert(7, 44))).status == 503

    types = {r.headers["ce_type"].decode() for r in await cluster.read(*cluster.names.sources)}
    assert types == {
        "account.followed.v1",
        "qrcode.scanned.v1",
        "payment.succeeded.v1",
        "session.logged_in.v1",
        "attendee.checked_in.v1",
    }
