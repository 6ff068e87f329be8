# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

from stream.brand.directory import load_apps
from stream.rules.loader import load_rules
from stream.tables import MemoryTables
from stream.worker.in_process import LocalEngine, drive
from tests.worker.events import DAY_MS, shopper

NOW_MS = 1_784_000_000_000


def engine(random: Random | None = None) -> LocalEngine:
    local = LocalEngine(load_rules(), load_apps(), random=random)
    local.clock_ms = NOW_MS
    return local


def publish(local: LocalEngine, people: int) -> int:
    events = [event for person in range(people) for event in shopper(person, NOW_MS)]
    for topic, value in events:
        local.publish(topic, value[-24:], value)
    return len(events)


def balances(local: LocalEngine) -> dict[str, int]:
    total: dict[str, int] = {}
    unique = {dict(r.headers)["ce_id"]: r.value for r in local.outputs["shadow.ledger"]}
    for value in unique.values():
        entry: Any = orjson.loads(value or b"")
        total[entry["consumer_id"]] = total.get(entry["consumer_id"], 0) + entry["points"]
    return {consumer: points for consumer, points in total.items() if points}


def test_events_become_offers() -> None:
    local = engine()
    count = publish(local, 5)
    local.publish("wechat.pay", b"k", b"{")
    local.settle()
    assert local.counts() == {"applied": count, "dead": 1}
    offered = {dict(record.headers)["ce_subject"] for record in local.outputs["shadow.offers"]}
    assert len([consumer for consumer in offered if consumer.startswith(b"union.")]) == 5
    assert [record.value for record in local.dead_letters] == [b"{"]


@pytest.mark.parametrize("seed", range(5))
def test_order_and_cuts_do_not_change_the_balances(seed: int) -> None:
    whole, shuffled = engine(), engine(Random(seed))
    for local in (whole, shuffled):
        publish(local, 3)
        local.settle()
        local.advance(NOW_MS + DAY_MS)
    assert balances(shuffled) == balances(whole)
    assert shuffled.counts() == whole.counts()


def test_time_passes_step_by_step() -> None:
    local = engine()
    publish(local, 1)
    local.settle()
    assert local.outputs["shadow.offers"]
    local.advance(NOW_MS + 800 * DAY_MS)
    assert local.clock_ms == NOW_MS + 800 * DAY_MS
    assert balances(local) == {}
    offers = local.outputs["shadow.offers"]
    assert {dict(r.headers)["ce_type"] for r in offers} >= {b"offer.issued.v1"}


def test_a_restart_goes_on_and_empty_tables_replay_the_same_ledger() -> None:
    local = engine(Random(1))
    publish(local, 3)
    for _ in range(10):
        local.step()
    local.restart()
    local.settle()
    before = local.entities()
    first = list(local.outputs["shadow.ledger"])

    local.restart(MemoryTables(4))
    local.outputs.clear()
    local.settle()

    again = {dict(r.headers)["ce_id"]: r for r in local.outputs["shadow.ledger"]}
    assert again == {dict(r.headers)["ce_id"]: r for r in first}
    assert local.entities().keys() == before.keys()


def test_tables_which_wait_need_the_async_methods() -> None:
    import asyncio

    with pytest.raises(RuntimeError, match="async"):
        drive(asyncio.sleep(0))
