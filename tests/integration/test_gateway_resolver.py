# SPDX-License-Identifier: Apache-2.0
"""The whole edge: WeChat notifies, the gateway hears, the resolver asks, and she is one person."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.config.settings import PREFIX
from tests.integration.cluster import Cluster
from tests.integration.gateway import gateway, write_brand
from tests.integration.people import consent, ledger, rfc3339
from tests.integration.test_resolver import Service
from tests.services.wechat import WeChat
from tests.wechat.pay.sealed import Platform
from tests.wechat.pay.shapes import MINI_PROGRAM, SHAPES
from tests.wechat.push.build import APPID, MEI, event, sealed

pytestmark = pytest.mark.integration
PAYER, UNION = "oPayerMei0000000000000000001", "uMei0001"
PROFILE = f"union.abc-brand.{UNION}"
BOUND = 'shadowpoints_resolver_lookups_total{{api="{}",outcome="bound"}}'


@pytest.mark.timeout(360)
async def test_a_payer_who_follows_is_one_person(
    new_cluster: Callable[..., Cluster],
    wechat: WeChat,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """18.50 yuan and a first purchase in the mini-program, and a scan of the Official Account."""
    variables = write_brand(tmp_path)
    apps = tmp_path / "apps.yaml"
    text = apps.read_text("utf-8")
    for appid, name in ((APPID, "OA_SECRET"), (MINI_PROGRAM, "MP_SECRET")):
        text = text.replace(f"appid: {appid}\n", f"appid: {appid}\n    secret_env: {name}\n", 1)
        wechat.add_app(appid, f"secretof{appid}")
        variables[name] = f"secretof{appid}"
        monkeypatch.setenv(name, variables[name])  # the resolver needs no other secret
    apps.write_text(text, "utf-8")
    wechat.apps[MINI_PROGRAM].unionids = {PAYER: UNION}
    wechat.apps[APPID].unionids, wechat.apps[APPID].followers = {MEI: UNION}, [MEI]

    cluster = new_cluster(4, APPS=variables[f"{PREFIX}APPS"], WECHAT_API_URL=wechat.url)
    cluster.start_worker()
    service, now_s = Service(cluster, tmp_path / "resolver.log"), int(time.time())
    await cluster.publish(
        consent(f"origin.{appid}.{openid}", now_s)
        for appid, openid in ((MINI_PROGRAM, PAYER), (APPID, MEI))
    )
    try:
        service.ready()
        async with gateway(cluster, variables) as edge:
            transaction_id = f"42000000002026{now_s:014}"
            wechat.paid(MINI_PROGRAM, PAYER, transaction_id)
            paid = SHAPES["direct"].with_(
                appid=MINI_PROGRAM,
                payer__openid=PAYER,
                success_time=rfc3339(now_s),
                transaction_id=transaction_id,
                amount__total=1_850,
                amount__payer_total=1_850,
            )
            notice = Platform(now_s=int(time.time())).send(SHAPES["direct"], paid)
            assert (await edge.pay(notice)).status == 204
            service.until(BOUND.format("get_paid_unionid"))
            at = int(time.time())
            followed = event("subscribe", at=at, EventKey="qrscene_tasting_7", Ticket="ticket")
            assert (await edge.push(sealed(followed, at))).status == 200
            service.until(BOUND.format("user_info"))
            scanned = event("SCAN", at=at + 1, EventKey="tasting_7", Ticket="ticket")
            assert (await edge.push(sealed(scanned, at, nonce="another1"))).status == 200
            await cluster.settled()
        service.stop()
    finally:
        service.process.kill()
        service.process.wait()

    points = await ledger(cluster)
    assert {person: sum_ for person, sum_ in points.items() if sum_} == {PROFILE: 231 + 200 + 50}
    assert await cluster.dead_letters() == []
