# SPDX-License-Identifier: Apache-2.0
"""A day with the newcomer's source: run as a program where the product knows it; prints JSON."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from schemas import SOURCE_TOPICS, format_ms
from stream.addressing.topics import TopicNames
from stream.engine.model.directory import Directory
from stream.gateway.server import TOPICS
from stream.privacy.id_search import DeadLetterSearch
from stream.privacy.person_data import PersonData
from stream.rules.loader import parse_rules
from tests.support.erasable import ErasableEngine
from tests.worker.events import envelope

NOW_MS = 1_780_000_000_000
SHOP, OUID, ORDER = "tmall-abc", "ouidMei", "90001"
MEI = f"origin.{SHOP}.{OUID}"
DIRECTORY = Directory({"wxmp": "brand"}, appids=frozenset({"wxmp", SHOP}))
BOOK = parse_rules(
    """
versions:
  - version: 1
    effective: 2026-01-01
    consent: opt_out
    earn:
      - id: tmall
        touchpoint: purchase
        points_per_yuan: 1
        when: { list_fen: { gte: 20000 } }
      - id: by_list_price
        touchpoint: purchase
        points_per_yuan: 2
        base: list_fen
        when: { list_fen: { lt: 20000 } }
""",
    "rules.yaml",
)


def paid(order: str, list_fen: int, paid_fen: int) -> bytes:
    data = {"shop": SHOP, "ouid": OUID, "tid": order, "list_fen": list_fen, "paid_fen": paid_fen}
    data["paid_at"] = format_ms(NOW_MS)
    return envelope(f"paid-{order}", "tmall_order.paid.v1", NOW_MS, data)


def refunded(order: str, fen: int) -> bytes:
    data = {"tid": order, "refund_id": "r1", "fen": fen, "refunded_at": format_ms(NOW_MS)}
    return envelope(f"refunded-{order}", "tmall_order.refunded.v1", NOW_MS, data)


def wechat_paid(number: str) -> bytes:
    data: dict[str, Any] = {
        "appid": "wxmp",
        "mchid": "1900000001",
        "payer": {"openid": "oLi"},
        "transaction_id": number,
        "out_trade_no": "n1",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": format_ms(NOW_MS),
        "amount": {"total": 100, "payer_total": 100},
    }
    return envelope("paid-li", "payment.succeeded.v1", NOW_MS, data)


def points(engine: ErasableEngine) -> list[int]:
    entries = (orjson.loads(r.value or b"{}") for r in engine.outputs["shadow.ledger"])
    return [entry["points"] for entry in entries if entry.get("consumer_id") == MEI]


def keys(engine: ErasableEngine) -> list[str]:
    return sorted(key for key in engine.entities() if not key.startswith("erased."))


async def survey(engine: ErasableEngine) -> dict[str, int]:
    known = PersonData({MEI}, TopicNames(), DeadLetterSearch(DIRECTORY))
    await known.read_tables(engine.tables, engine.partitions)
    await known.read_topics(engine)
    return {"entities": known.found.entities, **known.found.records}


async def day() -> dict[str, Any]:
    found: dict[str, Any] = {"sources": SOURCE_TOPICS, "gateway": TOPICS}
    engine = ErasableEngine(BOOK, DIRECTORY, partitions=2)
    engine.clock_ms = NOW_MS
    events = [
        ("tmall.orders", refunded(ORDER, 5_000)),  # comes before its payment
        ("tmall.orders", paid(ORDER, 20_000, 12_000)),
        ("tmall.orders", paid(ORDER, 20_000, 12_000)),  # twice
        ("tmall.orders", paid("90002", 19_900, 9_900)),
        ("tmall.orders", b'{"tid": "%s", "broken' % ORDER.encode()),
        ("tmall.orders", b'{"ouid": "%s", "broken' % OUID.encode()),
        ("wechat.pay", wechat_paid(ORDER)),  # the same number in another payment system
    ]
    for topic, value in events:
        engine.publish(topic, None, value)
        await engine.settle_async()
    found |= {
        "counts": {str(k): n for k, n in engine.counts().items()},
        "points": points(engine),
        "keys": keys(engine),
    }
    found["survey"] = await survey(engine)
    erase = envelope("erase", "erase.requested.v1", NOW_MS + 1, {"consumer_id": MEI})
    engine.publish("privacy.requests", None, erase, (), NOW_MS + 1)
    await engine.settle_async()
    await engine.sweep()
    engine.compact()
    letters = [at for at in engine.mentions(ORDER) if at.startswith("shadow.dead-letters")]
    return found | {"left": [*engine.mentions(OUID, "tmall."), *letters]}


if __name__ == "__main__":
    print(orjson.dumps(asyncio.run(day())).decode())
