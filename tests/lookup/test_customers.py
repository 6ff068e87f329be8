# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stream.engine.audit.verify import account_of
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import BOUGHT, AccountView, evaluate, judge, merged_touches
from stream.engine.storage.codec import load_entity
from stream.lookup.customers import customers
from stream.tables import MemoryTables, Tables
from stream.tables.redis import RedisTables
from tests.lookup.test_verifier import BOOK, PARTITIONS, entities_of, put, run_a_day


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
async def tables(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Tables]:
    found: Tables = MemoryTables(PARTITIONS)
    if request.param == "redis":
        found = RedisTables(request.getfixturevalue("redis_url"), namespace, PARTITIONS)
    await found.open()
    yield found
    await found.close()


async def test_everybody_who_bought_something_comes_once(tables: Tables) -> None:
    engine = await run_a_day(tables)
    expected: list[tuple[int, int]] = []
    for key, value in (await entities_of(tables)).items():
        account = account_of(load_entity(key, value))
        view = evaluate(account, BOOK, engine.clock_ms) if account else AccountView()
        touches = merged_touches(account.facts_by_origin).values() if account else ()
        fens = [
            touch.fen
            for touch in touches
            if touch.touchpoint == Touchpoint.PURCHASE and not touch.void
            if judge(touch.time, view, BOOK) in BOUGHT
        ]
        expected += [(len(fens), sum(fens))] if fens else []
    await put(tables, "union.abc-brand.uBroken", b"broken")
    read = [customer.days async for customer in customers(tables, PARTITIONS)]
    found = [(sum(d.number for d in days), sum(d.fen for d in days)) for days in read]
    assert sorted(found) == sorted(expected)
    assert len(found) > 9
