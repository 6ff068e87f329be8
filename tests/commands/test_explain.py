# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import date

import orjson
import pytest
from click.testing import CliRunner, Result

from stream.brand.directory import load_apps
from stream.cli import main
from stream.demo.day import generate
from stream.engine.model.state import Account, Origin
from stream.engine.storage.codec import load_entity
from stream.lookup.consumer_explanation import explanation
from stream.rules.loader import load_rules
from stream.tables.redis import RedisTables
from stream.worker.in_process import LocalEngine

PARTITIONS = 3
BOOK = load_rules(None)


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["explain", *args], env=env)


@pytest.mark.parametrize(
    "args", [[], ["tx.4200"], ["Mei"], ["union.a.b", "--origin", "a", "b"], ["origin.wxmp"]]
)
def test_one_consumer_has_to_be_named(args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert "CONSUMER" in result.stderr


def test_of_nobody_nothing_is_said() -> None:
    result = run("union.abc-brand.u1", REDIS_URL="memory://")
    assert (result.exit_code, result.stderr) == (1, "Nothing is stored about this consumer.\n")


@pytest.fixture
async def engine(redis_url: str, namespace: str) -> AsyncIterator[LocalEngine]:
    tables = RedisTables(redis_url, namespace, PARTITIONS)
    await tables.open()
    engine = LocalEngine(BOOK, load_apps(None), tables, partitions=PARTITIONS)
    day = generate(seed=5, consumers=50, events=500, day=date(2026, 11, 20))
    for record in day.records:
        engine.publish(record.topic, record.key, record.value, record.headers, day.end_ms)
    await engine.settle_async()
    yield engine
    await tables.close()


@pytest.mark.integration
async def test_everyone_of_a_day_can_be_explained(
    engine: LocalEngine, redis_url: str, namespace: str
) -> None:
    stored = {k: v for p in range(PARTITIONS) for k, v in (await engine.tables.entities(p)).items()}
    entities = {key: load_entity(key, value) for key, value in stored.items()}
    profiles = {key: e for key, e in entities.items() if isinstance(e, Account)}
    explained = 0
    for key, account in profiles.items():
        answer = await explanation(engine.tables, PARTITIONS, key, engine.clock_ms)
        assert answer is not None
        found = answer["account"]
        granted, expired = (sum(r["points"] for r in found[n]) for n in ("granted", "expired"))
        paid = sum(row["points"] for row in found["payouts"])
        assert granted - expired - paid == found["balance"] == account.posted.balance
        assert [o["bound_to"] for o in answer["origins"]] == [key] * len(answer["origins"])
        explained += bool(found["balance"])
    assert explained > 10


@pytest.mark.integration
async def test_an_origin_leads_to_its_consumer_on_the_command_line(
    engine: LocalEngine, redis_url: str, namespace: str
) -> None:
    stored = {k: v for p in range(PARTITIONS) for k, v in (await engine.tables.entities(p)).items()}
    key, origin = next(
        (key, entity)
        for key, entity in ((k, load_entity(k, v)) for k, v in sorted(stored.items()))
        if isinstance(entity, Origin) and entity.bound
    )
    where = {"REDIS_URL": redis_url, "NAMESPACE": namespace, "PARTITIONS": str(PARTITIONS)}
    _, appid, openid = key.split(".")
    by_origin = await in_thread("--origin", appid, openid, **where)
    assert by_origin.exit_code == 0, by_origin.output
    assert by_origin.stdout.splitlines()[0].startswith(f"{origin.bound} at ")
    as_json = await in_thread(origin.bound, "--json", **where)
    assert orjson.loads(as_json.stdout)["consumer_id"] == origin.bound


async def in_thread(*args: str, **variables: str) -> Result:
    """The command has an event loop of its own."""
    return await asyncio.to_thread(run, *args, **variables)
