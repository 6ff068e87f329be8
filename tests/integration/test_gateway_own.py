"""From the brand's own systems to the ledger: till, mini-program and ticket shop."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.settings import PREFIX
from tests.gateway.doors.build import event, payment
from tests.gateway.http import ask
from tests.integration.cluster import Cluster
from tests.integration.gateway import (
    CLIENT_KEY,
    MINI_SECRET,
    PRETIX_PASSWORD,
    gateway,
    write_brand,
)
from tests.integration.people import consent, ledger, rfc3339
from tests.services.pretix import Pretix
from tests.services.wechat_login import WechatLogin
from tests.wechat.pay.shapes import MINI_PROGRAM

pytestmark = pytest.mark.integration

OPENID, MEI = "oMei0000000000000000000000002", "uMei01"


def report(type_: str, data: dict[str, Any], now_s: int) -> list[dict[str, Any]]:
    return [event(type_, data, f"{type_}-1", rfc3339(now_s))]


@pytest.mark.timeout(240)
async def test_what_the_brands_own_systems_report_reaches_the_ledger(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    """231 and 200 for 18.50 at the till, 5 for the login, 1 for a view, 120 and 200 at the door."""
    now_s = int(time.time())
    async with (
        WechatLogin.running(MINI_PROGRAM, MINI_SECRET) as wechat,
        Pretix.running() as shop,
    ):
        variables = write_brand(tmp_path, shop.url)
        cluster = new_cluster(4, APPS=variables[f"{PREFIX}APPS"], WECHAT_API_URL=wechat.url)
        cluster.start_worker()
        await cluster.publish([consent(f"union.abc-brand.{MEI}", now_s)])
        wechat.login("code-of-mei", OPENID, unionid=MEI)
        async with gateway(cluster, variables) as own:
            login = {"appid": MINI_PROGRAM, "js_code": "code-of-mei"}
            token = orjson.loads((await own.own("/sessions", login, "sdk")).body)["token"]
            viewed = report("product.viewed.v1", {"product_id": "soymilk"}, now_s)
            said = [await own.own("/events", {"token": token, "events": viewed}, "sdk")]
            paid = payment(payer={"openid": OPENID}, success_time=rfc3339(now_s))
            paid_at_till = report("payment.succeeded.v1", paid, now_s)
            said += [await own.own("/events", {"events": paid_at_till}, "till")]
            shop.sell(7, WECHAT=token)
            scanned = orjson.dumps(shop.check_in(7, 44, datetime.fromtimestamp(now_s, UTC)))
            user = b64encode(f"pretix:{PRETIX_PASSWORD}".encode()).decode()
            given = {"authorization": f"Basic {user}"}
            said += [await ask(own.port, "/check-in/pretix/abc", scanned, headers=given)]
            await cluster.settled()
            log = own.log.read_text()

    assert [s.status for s in said] == [200, 200, 204]
    assert await ledger(cluster) == {f"union.abc-brand.{MEI}": 231 + 200 + 5 + 1 + 120 + 200}
    assert await cluster.dead_letters() == []
    assert [word for word in (OPENID, MEI, token, CLIENT_KEY) if word in log] == []
