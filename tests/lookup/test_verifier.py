# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from random import Random
from typing import Any

import pytest

from stream.addressing.partitioning import entity_partition
from stream.brand.directory import load_apps
from stream.demo.day import generate
from stream.engine.audit.verify import Fault
from stream.engine.model.ids import union_key
from stream.engine.model.state import Account, Origin
from stream.engine.storage.codec import dump_entity, load_entity
from stream.lookup import verifier as module
from stream.lookup.verifier import Report, Verifier
from stream.rules.loader import load_rules
from stream.tables import Commit, MemoryTables, Tables, Write
from stream.tables.redis import RedisTables
from stream.worker.in_process import LocalEngine

BOOK = load_rules(None)
PARTITIONS = 3
HOUR_MS = 3_600_000


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.integration)])
async def tables(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[Tables]:
    found: Tables = MemoryTables(PARTITIONS)
    if request.param == "redis":
        found = RedisTables(request.getfixturevalue("redis_url"), namespace, PARTITIONS)
    await found.open()
    yield found
    await found.close()


async def run_a_day(tables: Tables) -> LocalEngine:
    day = generate(seed=5, consumers=150, events=1_500, day=date(2026, 11, 20))
    engine = LocalEngine(BOOK, load_apps(None), tables, partitions=PARTITIONS, random=Random(5))
    for record in day.records:
        engine.publish(record.topic, record.key, record.value, record.headers, day.end_ms)
    await engine.settle_async()
    return engine


async def verified(tables: Tables, sleep: Callable[[float], Awaitable[None]]) -> Report:
    return await Verifier(tables, PARTITIONS, sleep=sleep).run()


async def never(seconds: float) -> None:
    pytest.fail("nothing had to be looked at again")


async def at_once(seconds: float) -> None:
    assert seconds == 5.0


async def entities_of(tables: Tables) -> dict[str, bytes]:
    return {k: v for p in range(PARTITIONS) for k, v in (await tables.entities(p)).items()}


async def put(tables: Tables, key: str, value: bytes) -> None:
    """Overwrite an entity, as no worker would."""
    partition = entity_partition(key, PARTITIONS)
    claim = (await tables.claim([partition], 1_000, "vandal"))[partition]
    at, clock_ms = claim.applied_offset, claim.clock_ms
    view = await tables.view(partition, [key])
    writes = {key: Write(value, view.due_ms.get(key))}
    await tables.commit([Commit(partition, claim.epoch, at, at, clock_ms, writes)])


async def test_a_day_is_clean_and_counted(tables: Tables) -> None:
    engine = await run_a_day(tables)
    report = await verified(tables, never)

    assert report.violations == []
    found = await entities_of(tables)
    kinds = [key.partition(".")[0] for key in found]
    assert (report.origins, report.payments) == (kinds.count("origin"), kinds.count("tx"))
    sizes = sorted(((len(value), key) for key, value in found.items()), reverse=True)
    assert report.heaviest == sizes[:10]
    entries = engine.outputs["shadow.ledger"]
    assert entries
    loaded = [load_entity(key, value) for key, value in found.items()]
    some = [e.account if isinstance(e, Origin) else e for e in loaded]
    accounts = [a for a in some if isinstance(a, Account)]
    assert report.accounts == len(accounts)
    assert report.points == sum(a.posted.balance for a in accounts) > 0
    live = sum(a.last_offer is not None and a.last_offer.live for a in accounts)
    assert report.live_offers == live > 0


async def test_faults_which_stay_are_violations(tables: Tables) -> None:
    await run_a_day(tables)
    found = await entities_of(tables)
    profile, other = sorted(key for key in found if key.startswith("union."))[:2]
    account: Any = load_entity(profile, found[profile])
    account.posted.granted["bonus@1"] = 77
    await put(tables, profile, dump_entity(account))
    await put(tables, other, b"\xc1")

    report = await verified(tables, at_once)

    assert [(v.key, v.fault) for v in report.violations] == [
        (profile, Fault.GRANTED),
        (profile, Fault.BALANCE),
        (other, Fault.UNREADABLE),
    ]
    assert report.violations[1].found - report.violations[1].expected == 77
    assert report.passing == 0


async def test_what_is_on_its_way_is_waited_for(tables: Tables) -> None:
    """An origin has just moved: its facts are still in the account it left."""
    await run_a_day(tables)
    found = await entities_of(tables)
    key = min(k for k, v in found.items() if getattr(load_entity(k, v), "bound", ""))
    moved: Any = load_entity(key, found[key])
    moved.generation += 1
    moved.bound = union_key("abc-brand", "uElsewhere")
    moved.evidence = {moved.bound: next(iter(moved.evidence.values()))}
    await put(tables, key, dump_entity(moved))

    async def arrives(seconds: float) -> None:
        await put(tables, key, found[key])

    report = await verified(tables, arrives)

    assert report.violations == []
    assert report.passing > 0


async def test_who_is_woken_for_what_began_before_settling_is_right(tables: Tables) -> None:
    """A version of the rules began at noon, and everybody is woken for it in the evening."""
    engine = await run_a_day(tables)
    found = await entities_of(tables)
    noon = engine.clock_ms - 12 * HOUR_MS
    for partition, claim in (await tables.claim(range(PARTITIONS), 1_000, "waker")).items():
        at, clock_ms = claim.applied_offset, claim.clock_ms
        wakes = {k: noon for k in found if entity_partition(k, PARTITIONS) == partition}
        await tables.commit([Commit(partition, claim.epoch, at, at, clock_ms, {}, wakes=wakes)])
    assert (await verified(tables, never)).violations == []


async def test_the_suspects_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SUSPECTS_MAX", 3)
    tables = MemoryTables(PARTITIONS)
    await run_a_day(tables)
    for key in await entities_of(tables):
        await put(tables, key, b"\xc1")
    report = await verified(tables, at_once)
    assert len(report.violations) == 3
    assert not report.complete
