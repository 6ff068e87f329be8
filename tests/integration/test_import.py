# SPDX-License-Identifier: Apache-2.0
"""A bill beside the live notifications, twice over: each payment and refund counts once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import encode_data, format_time
from schemas.codec import binary_headers
from stream.brand.directory import load_apps
from stream.rules.loader import load_rules
from stream.wechat.bill.bill_reader import BillReader
from stream.worker.in_process import LocalEngine
from tests.integration.cluster import Cluster, Source
from tests.integration.test_first_offer import envelope
from tests.support.snapshot import Snapshot, snapshot
from tests.wechat.bill.bills import APPID, MCHID, OPENID, PAYMENT, REFUND, bill

BEIJING = timezone(timedelta(hours=8))
PAID = (datetime.now(BEIJING) - timedelta(days=1)).replace(microsecond=0)
MEI = f"origin.{APPID}.{OPENID}"
#: 18.50 yuan of which 4.00 were given back, 200 for the first purchase, 20.00 of which 16.00 were
#: paid: 12.5 points for each yuan.
BALANCE = 1450 // 8 + 200 + 1600 // 8
BOOK, DIRECTORY = load_rules(), load_apps()


def on(day: datetime) -> str:
    return day.strftime("%Y-%m-%d %H:%M:%S")


ROWS = [
    PAYMENT | {"交易时间": on(PAID)},
    REFUND | {"交易时间": on(PAID + timedelta(hours=1))},
    PAYMENT  # a code which the clerk scanned has no notification
    | {
        "交易时间": on(PAID + timedelta(hours=2)),
        "交易类型": "MICROPAY",
        "微信订单号": "4200000000202603010000000002",
        "订单金额": "20.00",
        "应结订单金额": "18.00",
        "代金券金额": "4.00",  # half of it the merchant bears
    },
]
LIVE_PAYMENT = {
    "appid": APPID,
    "mchid": MCHID,
    "payer": {"openid": OPENID},
    "transaction_id": PAYMENT["微信订单号"],
    "out_trade_no": PAYMENT["商户订单号"],
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "bank_type": "OTHERS",
    "attach": "store-12",
    "success_time": format_time(PAID),
    "amount": {"total": 1850, "payer_total": 1850, "currency": "CNY", "payer_currency": "CNY"},
    "scene_info": {"device_id": "till-7"},
}
LIVE_REFUND = {
    "mchid": MCHID,
    "transaction_id": PAYMENT["微信订单号"],
    "out_trade_no": PAYMENT["商户订单号"],
    "refund_id": REFUND["微信退款单号"],
    "out_refund_no": REFUND["商户退款单号"],
    "refund_status": "SUCCESS",
    "success_time": format_time(PAID + timedelta(hours=1, seconds=9)),
    "amount": {"total": 1850, "refund": 400, "payer_total": 1850, "payer_refund": 400},
}
CONSENT = {"appid": APPID, "openid": OPENID, "text_version": "v1", "channel": "mini_program"}


def plain(topic: str, type_: str, data: dict[str, Any]) -> Source:
    event = envelope(type_, data) | {"time": format_time(PAID - timedelta(hours=1))}
    return topic, None, orjson.dumps(event), []


LIVE = [
    plain("privacy.requests", "consent.granted.v1", CONSENT),
    plain("wechat.pay", "payment.succeeded.v1", LIVE_PAYMENT),
    plain("wechat.pay", "refund.succeeded.v1", LIVE_REFUND),
]


def imported(*rows: dict[str, str]) -> list[Source]:
    found: list[Source] = []
    for line in BillReader().read(bill(*rows).split(b"\n")):
        assert line.event is not None
        e = line.event
        headers = binary_headers(e.type, e.id, "urn:test", e.time)
        found.append((e.topic, None, encode_data(e.data), headers))
    return found


def arrived_at(events: list[Source]) -> Snapshot:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    engine = LocalEngine(BOOK, DIRECTORY, partitions=2)
    for topic, key, value, headers in events:
        engine.publish(topic, key, value, headers, now_ms)
    engine.settle()
    return snapshot(engine.entities(), BOOK, now_ms)


@settings(max_examples=30)
@given(st.integers(), st.integers(0, 2))
def test_bill_and_notifications_in_any_order_count_once(seed: int, again: int) -> None:
    events = LIVE + imported(*ROWS) * (1 + again)
    Random(seed).shuffle(events)
    assert arrived_at(events).balances == {MEI: BALANCE}


PROVIDER, PROVIDED = "wx8888000011112222", "oProvidedMei000000000000001"


def test_a_providers_bill_beside_its_notifications_counts_once() -> None:
    """The bill names the payer within the provider's app, the notification the merchant's, too."""
    names = ("appid", "mchid", "payer")
    live = {name: value for name, value in LIVE_PAYMENT.items() if name not in names} | {
        "sp_appid": PROVIDER,
        "sp_mchid": "1900000009",
        "sub_appid": APPID,
        "sub_mchid": MCHID,
        "payer": {"sp_openid": PROVIDED, "sub_openid": OPENID},
    }
    row = ROWS[0] | {"公众账号ID": PROVIDER, "商户号": "1900000009", "特约商户号": MCHID}
    printed = plain("wechat.pay", "payment.succeeded.v1", live)
    for events in permutations([LIVE[0], printed, *imported(row | {"用户标识": PROVIDED})]):
        balances = arrived_at(list(events)).balances
        assert list(balances.values()) == [1850 // 8 + 200]


@pytest.mark.integration
async def test_a_bill_imported_twice_beside_notifications(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_bytes(bill(*ROWS))
    cluster.start_worker()

    checked = await asyncio.to_thread(cluster.run, "import", "tradebill", str(path), "--dry-run")
    assert checked == "2 payments, 1 refund, 0 unsettled, 0 refused, 0 unbalanced\n"
    for _ in range(2):
        printed = await asyncio.to_thread(cluster.run, "import", "tradebill", str(path))
        assert "published 3 events on" in printed
    await cluster.publish(LIVE)
    await cluster.settled()

    assert cluster.counts() == {"applied": 4, "duplicate": 5}
    assert await cluster.dead_letters() == []
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    assert snapshot(await cluster.entities(), BOOK, now_ms).balances == {MEI: BALANCE}
