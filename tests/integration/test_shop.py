# SPDX-License-Identifier: Apache-2.0
"""A shop from end to end: pushes over HTTP, real Kafka and Redis, and WeChat's stand-in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from stream.config.settings import PREFIX
from tests.integration.cluster import Cluster, Source
from tests.integration.gateway import gateway, write_brand
from tests.integration.people import consent, ledger
from tests.integration.test_resolver import Service
from tests.services import wechat as api
from tests.services.wechat import WeChat, after_sale, shop_order
from tests.support import payloads
from tests.wechat.push.build import Sent, event, sealed

pytestmark = pytest.mark.integration
SHOP, SHOP_ORIGINAL_ID = "wx1a2b3c4d5e6f7a05", "gh_abc0000005"
MEI, LI, WU = (f"oShop{name}00000000000000000001" for name in ("Mei", "Li", "Wu"))
FIRST, GIFT, UNHEARD, LATER = (3705115058471208928 + number for number in range(4))
SALE = 2000000123456789
ENTRY = f"""
  - appid: {SHOP}
    name: Shop
    kind: shop
    original_id: {SHOP_ORIGINAL_ID}
    open_account: abc-brand
    secret_env: SHOP_SECRET
    push: {{token_env: OA_TOKEN, aes_key_env: OA_AES_KEY}}
"""
LOOKUPS = 'shadowpoints_resolver_lookups_total{{api="{}",outcome="{}"}}'


def push(name: str, nonce: str, **fields: Any) -> Sent:
    """A sealed push for the shop."""
    at = int(time.time())
    content = event(name, at=at, **fields) | {"ToUserName": SHOP_ORIGINAL_ID}
    return sealed(content, at, is_json=True, appid=SHOP, nonce=nonce)


def hint(value: bytes) -> Source:
    return "wechat.shop", None, value, []


@pytest.mark.timeout(480)
async def test_orders_count_whether_a_push_tells_of_them_or_not(
    new_cluster: Callable[..., Cluster],
    wechat: WeChat,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables, secret = write_brand(tmp_path), f"secretof{SHOP}"
    apps = tmp_path / "apps.yaml"
    text = apps.read_text("utf-8")
    apps.write_text(text.replace("\nmerchants:", f"{ENTRY}merchants:", 1), "utf-8")
    variables["SHOP_SECRET"] = secret
    monkeypatch.setenv("SHOP_SECRET", secret)
    now_s, shop = int(time.time()), wechat.add_app(SHOP, secret)
    gift = {"is_present": True, "present_giver_openid": LI, "present_giver_unionid": "uLi00001"}
    shop.orders = {
        str(FIRST): shop_order(FIRST, MEI, now_s - 30, 2_000, unionid="uMei0001"),
        str(GIFT): shop_order(GIFT, WU, now_s - 20, 1_000, unionid="uWu00001", **gift),
        str(UNHEARD): shop_order(UNHEARD, WU, now_s - 90_000, 3_000, unionid="uWu00001"),
    }
    cluster = new_cluster(2, APPS=variables[f"{PREFIX}APPS"], WECHAT_API_URL=wechat.url)
    cluster.start_worker()
    people = [f"origin.{SHOP}.{who}" for who in (MEI, LI, WU)]
    await cluster.publish(consent(person, now_s - 100_000) for person in people)

    async with gateway(cluster, variables) as edge:
        # the resolver is away; WeChat tries again
        paid = {"order_info": {"order_id": FIRST, "pay_time": now_s}}
        for nonce in ("n1", "n2"):
            sent = push("channels_ec_order_pay", nonce, **paid)
            assert (await edge.push(sent, SHOP)).body == b"success"
        sent = push("channels_ec_order_pay", "n3", order_info={"order_id": str(GIFT)})
        assert (await edge.push(sent, SHOP_ORIGINAL_ID)).status == 200

        wechat.be_slow(api.ORDER_GET, 60, times=3)  # and then it is killed while it asks
        first = Service(cluster, tmp_path / "first.log")
        first.ready()
        async with asyncio.timeout(60):
            while wechat.count(api.ORDER_GET) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        first.process.kill()
        first.process.wait()
        with redis.Redis.from_url(cluster.redis_url) as store:  # or wait for two minutes
            store.delete(*store.keys(f"{cluster.namespace}:wechat:filling:*"))

        service = Service(cluster, tmp_path / "second.log")
        try:
            service.until(LOOKUPS.format("order_get", "published"), 3)
            shop.after_sales[str(SALE)] = after_sale(SALE, FIRST, int(time.time()), 500)
            ids = {"after_sale_order_id": str(SALE), "order_id": FIRST, "status": "X"}
            changed = {"finder_shop_aftersale_status_update": ids}
            sent = push("channels_ec_aftersale_update", "n4", **changed)
            assert (await edge.push(sent, SHOP)).status == 200
            service.until(LOOKUPS.format("after_sale_get", "refunded"))

            elsewhere = {"appid": "wxnobody", "order_id": "1"}
            stranger = payloads.structured("shop_order.changed.v1", "1", now_s * 1000, elsewhere)
            await cluster.publish([hint(stranger), hint(b"garbage")])
            metrics = service.until("shadowpoints_resolver_unreadable_hints_total")
            metrics = service.until(LOOKUPS.format("order_get", "unknown_app"))
            await cluster.settled()
            service.stop()
        finally:
            service.process.kill()
            service.process.wait()

    assert metrics['shadowpoints_resolver_missed_total{api="order_get",reason="unknown_app"}'] == 1
    assert await cluster.dead_letters() == []
    found = {person: points for person, points in (await ledger(cluster)).items() if points}
    assert found == {  # 12.5 points a yuan, and 200 for the first purchase
        "union.abc-brand.uMei0001": 188 + 200,  # 20 yuan less 5
        "union.abc-brand.uLi00001": 125 + 200,  # the giver
        "union.abc-brand.uWu00001": 375 + 200,  # no push has told of this order
    }
    logs = (tmp_path / "first.log").read_text() + (tmp_path / "second.log").read_text()
    assert not [word for word in (MEI, LI, WU, secret, str(FIRST), "13800000000") if word in logs]
