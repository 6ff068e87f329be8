# SPDX-License-Identifier: Apache-2.0
"""From WeChat to the ledger: the gateway, Kafka, a worker and what they leave behind, all real."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import orjson
import pytest
from aiohttp import web

from stream.config.settings import PREFIX
from stream.engine.model.decision import Channel
from stream.wechat.push.body_parser import parse_body
from tests.gateway.http import ask, ask_raw, until
from tests.integration.cluster import Cluster
from tests.integration.deliveries import Story, payments, pushes
from tests.integration.gateway import Gateway, gateway, start, write_brand
from tests.integration.people import CONSENT, consent, ledger, rfc3339
from tests.services.kafka import KafkaServer
from tests.services.web import serving
from tests.wechat.pay.sealed import Platform
from tests.wechat.pay.shapes import MCHID, SHAPES
from tests.wechat.push.build import APPID, MEI, decrypted, event, plain, sealed

pytestmark = pytest.mark.integration

#: Points of whom a delivery is about, by the shipped rules: 12.5 per yuan paid, half up, 600 a day
#: at most, and 200 for the first purchase.
EARNED: Final = {
    "direct": 354,  # 23.00, of which 11.50 came back; and 10 for the coupon used in it
    "deduction": 488,
    "partner": 344,
    "combined": 551,  # 9.00 and 19.00
    "global": 800,  # 518.79
    "parking": 375,  # 14.00
    "mall payment": 325,  # 20.00, of which 10.00 came back
    "SCAN at a tasting": 50,
    "CLICK": 2,
}
#: Deliveries which carry a Union ID: each binds the openid beside it.
NAMED: Final = (
    *("coupon sent", "product coupon"),
    *("card accepted", "card recovered", "card by phone", "card activated", "user_get_card"),
    *("card viewed", "card changed", "user_view_card with a Union ID", "giftcard_user_accept"),
    "brand's product coupon",
)


def people(stories: Iterable[Story]) -> set[str]:
    return {person for story in stories for person in story.people}


async def deliver(to: Gateway, stories: Iterable[Story]) -> None:
    for story in stories:
        said = await story.deliver(to)
        assert said.status in (200, 204), (story.name, said)


@pytest.mark.timeout(480)
async def test_everything_wechat_sends_reaches_the_ledger_once(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    variables = write_brand(tmp_path)
    cluster, now_s = new_cluster(4, APPS=variables[f"{PREFIX}APPS"]), int(time.time())
    cluster.start_worker()
    stories = {story.name: story for story in (*payments(now_s), *pushes(now_s))}
    agreed = people(stories[name] for name in EARNED)
    await cluster.publish(consent(person, now_s) for person in sorted(agreed))

    async with gateway(cluster, variables) as wechat:
        await deliver(wechat, stories.values())
        await cluster.settled()
        once = await ledger(cluster)
        await deliver(wechat, reversed(stories.values()))  # WeChat may send anything twice
        await cluster.settled()
        assert wechat.stop() == 0, wechat.log.read_text()

    earned = {name: sum(once.get(person, 0) for person in stories[name].people) for name in EARNED}
    assert earned == EARNED
    assert await ledger(cluster) == once
    types = [type_ for story in stories.values() for type_ in story.types]
    published = await cluster.read(*cluster.names.sources, *cluster.names.hints)
    expected = Counter([*types, *types, *[CONSENT] * len(agreed)])
    assert Counter(r.headers["ce_type"].decode() for r in published) == expected
    assert await cluster.dead_letters() == []
    bound = [orjson.loads(r.value or b"") for r in await cluster.read_channel(Channel.IDENTITY)]
    named = {p for p in people(stories[name] for name in NAMED) if p.startswith("union.")}
    assert {b["consumer_id"] for b in bound} == named
    log = wechat.log.read_text()
    assert [word for word in ("oPay", "oAcc", "uPay", "oPush", "1380000") if word in log] == []


@pytest.mark.timeout(480)
async def test_followers_get_an_offer(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    """600 points are the most of a day; on two days, with the first purchase, 1,400."""
    variables, now_s, paid = write_brand(tmp_path), int(time.time()), SHAPES["direct"]
    cluster = new_cluster(4, APPS=variables[f"{PREFIX}APPS"])
    cluster.start_worker()
    await cluster.publish([consent(f"origin.{APPID}.{MEI}", now_s)])
    async with gateway(cluster, variables, GATEWAY_OFFER_WITHIN_S="3.5") as wechat:
        for number, days in enumerate((3, 2)):
            payment = paid.with_(
                appid=APPID,
                payer__openid=MEI,
                success_time=rfc3339(now_s - days * 86_400),
                transaction_id=f"42000000002026{now_s + number:014}",
                amount__total=60_000,
                amount__payer_total=60_000,
            )
            said = await wechat.pay(Platform(now_s=now_s).send(paid, payment))
            assert said.status == 204
        follow = event("subscribe", EventKey="qrscene_7", Ticket="t", at=now_s)
        said = await wechat.push(sealed(follow, now_s))

    message, appid = decrypted(parse_body(said.body)[0].text("encrypt"))
    reply = parse_body(message)[0]
    assert (appid, reply.text("tousername"), reply.text("msgtype")) == (APPID, MEI, "text")
    assert "1,400" in reply.text("content") or "1400" in reply.text("content")


@pytest.mark.timeout(480)
async def test_without_a_broker_it_is_503_and_what_wechat_sends_again_counts_once(
    new_kafka: Callable[[], KafkaServer], redis_url: str, namespace: str, tmp_path: Path
) -> None:
    broker, variables = await asyncio.to_thread(new_kafka), write_brand(tmp_path)
    now_s, settings = int(time.time()), {"APPS": variables[f"{PREFIX}APPS"]}
    first, *others = [s for s in payments(now_s) if s.name in ("direct", "deduction", "partner")]
    others += [s for s in pushes(now_s) if s.name in ("CLICK", "SCAN at a tasting")]
    stories = [first, *others]
    with Cluster(broker.bootstrap, redis_url, namespace, tmp_path, 2, settings) as cluster:
        await cluster.publish(consent(person, now_s) for person in sorted(people(stories)))
        async with gateway(cluster, variables, GATEWAY_ANSWER_WITHIN_S="1") as wechat:
            assert (await first.deliver(wechat)).status == 204
            await asyncio.to_thread(broker.kill)
            for _ in range(2):
                refused = await asyncio.gather(*(story.deliver(wechat) for story in stories))
                assert {said.status for said in refused} == {503}
                assert {orjson.loads(said.body)["code"] for said in refused} == {"FAIL"}
            assert "Kafka" in (await wechat.why_unready() or "")
            await asyncio.to_thread(broker.start)
            await wechat.ready()
            for story in stories:
                while (said := await story.deliver(wechat)).status == 503:
                    pass
                assert said.status in (200, 204)
            assert wechat.stop() == 0
        cluster.start_worker()
        await cluster.settled()
        points = await ledger(cluster)

    earned = {s.name: sum(points.get(person, 0) for person in s.people) for s in stories}
    paid = dict.fromkeys(("direct", "deduction", "partner"), 488)
    assert earned == {**paid, "CLICK": 2, "SCAN at a tasting": 50}


async def test_what_is_forwarded_reaches_kafka_and_the_other_system(
    cluster: Cluster, tmp_path: Path
) -> None:
    got, status, now_s = list[bytes](), [503, 503, 503, 204], int(time.time())

    async def orders(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response(status=status.pop(0))

    sent = Platform(now_s=now_s).send(SHAPES["direct"])
    async with (
        serving("POST", "/paid", orders) as url,
        gateway(cluster, write_brand(tmp_path, f"{url}/paid")) as wechat,
    ):
        statuses = [(await wechat.pay(sent)).status for _ in range(2)]
        metrics = await ask(wechat.web_port, "/metrics", method="GET")
        log = wechat.log.read_text()

    assert statuses == [503, 204]  # the other side's own, after three tries
    assert got == [sent.body] * 4
    published = await cluster.read(*cluster.names.sources)
    assert len({record.headers["ce_id"] for record in published}) == 1
    count = b'shadowpoints_gateway_forwards_total{endpoint="pay",outcome="%s"} 1.0'
    assert all(count % outcome in metrics.body for outcome in (b"accepted", b"refused"))
    assert "/paid" not in log


async def test_what_is_wrong_has_its_status_over_http(cluster: Cluster, tmp_path: Path) -> None:
    now_s, paid = int(time.time()), SHAPES["direct"]
    platform, click = Platform(now_s=now_s), event("CLICK", EventKey="menu", at=now_s)
    good, signature = platform.send(paid), "wechatpay_signature"
    large = b'{"id": "' + b"x" * 140_000 + b'"}'
    async with gateway(cluster, write_brand(tmp_path)) as wechat:
        statuses = {
            "good": await wechat.pay(good),
            "changed": await wechat.pay(replace(good, body=good.body + b" ")),
            "probe": await wechat.pay(
                platform.sign(good.body, **{signature: "WECHATPAY/SIGNTEST/abc"})
            ),
            "unknown serial": await wechat.pay(platform.sign(good.body, wechatpay_serial="7A1B")),
            "stale": await wechat.pay(replace(platform, now_s=now_s - 400).send(paid)),
            "other merchant": await wechat.pay(good, "1900000009"),
            "truncated": await wechat.pay(platform.sign(good.body[:-20])),
            "bomb": await wechat.pay(platform.sign(b"[" * 100_000)),
            "large": await wechat.pay(platform.sign(large)),
            "plain push": await wechat.push(plain(click, now_s)),
            "entities": await wechat.push(
                sealed(b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Event>&a;</Event></xml>', now_s)
            ),
            "other app": await wechat.push(sealed(click, now_s, appid="wx1a2b3c4d5e6f7a02")),
            "nowhere": await ask(wechat.port, "/"),
            "no HTTP": await ask_raw(wechat.port, b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n"),
        }
        metrics = await ask(wechat.web_port, "/metrics", method="GET")
        log = wechat.log.read_text()

    assert {name: said.status for name, said in statuses.items()} == {
        "good": 204, "changed": 401, "probe": 401, "unknown serial": 401, "stale": 401,
        "other merchant": 404, "truncated": 400, "bomb": 400, "large": 413, "plain push": 401,
        "entities": 400, "other app": 403, "nowhere": 404, "no HTTP": 400,
    }  # fmt: skip
    text = metrics.body.decode()
    assert 'deliveries_total{endpoint="pay",kind="payment"} 1.0' in text
    assert 'rejections_total{endpoint="pay",reason="bad_signature"} 2.0' in text
    assert "Traceback" not in log
    assert len(await cluster.read(*cluster.names.sources)) == 1


async def test_sigterm_lets_what_is_in_work_end(cluster: Cluster, tmp_path: Path) -> None:
    sent = Platform(now_s=int(time.time())).send(SHAPES["direct"])
    async with gateway(cluster, write_brand(tmp_path)) as wechat:
        reader, writer = await asyncio.open_connection("127.0.0.1", wechat.port)
        head = [f"POST /wechat/pay/{MCHID} HTTP/1.1", f"content-length: {len(sent.body)}"]
        head += [f"{name}: {value}" for name, value in sent.headers.items()]
        writer.write("\r\n".join([*head, "", ""]).encode() + sent.body[:100])
        await cluster.until(wechat.is_at_work, 10, "the request does not begin")
        wechat.process.terminate()
        await until(lambda: "Shutting down: finishing" in wechat.log.read_text())
        said = await wechat.why_unready()
        writer.write(sent.body[100:])
        answer = await reader.readline()
        writer.close()
        code = await asyncio.to_thread(wechat.process.wait, 10)

    assert "ending" in (said or "")
    assert b" 204 " in answer
    assert code == 0, wechat.log.read_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"OA_TOKEN": ""}, "OA_TOKEN"),
        ({f"{PREFIX}TOPIC_PREFIX": "nowhere."}, "nowhere.wechat.pay"),
        ({f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "127.0.0.1:9"),
        ({f"{PREFIX}GATEWAY_HOST": "192.0.2.1"}, "GATEWAY_HOST"),
    ],
)
async def test_what_an_operator_can_repair_is_reported_in_a_sentence_at_start(
    cluster: Cluster, tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    log = tmp_path / "gateway.log"
    process = start(cluster.environment | write_brand(tmp_path) | change, log)
    try:
        code = await asyncio.to_thread(process.wait, 30)
    finally:
        process.kill()
    assert code == 1
    assert sentence in log.read_text()
    assert "Traceback" not in log.read_text()
