# SPDX-License-Identifier: Apache-2.0
"""``shadowpoints report write`` on a real Redis, with the topics of an engine in this process."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import orjson
import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.commands import report_write as module
from stream.tables.redis import RedisTables
from stream.worker.in_process import LocalEngine
from tests.report.brand import END_MS, PARTITIONS, OutputLog, engine_of, live

AS_OF = "2027-12-01T00:00:00+08:00"


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["report", *args], env=env)


@pytest.fixture
async def engine(redis_url: str, namespace: str) -> AsyncIterator[LocalEngine]:
    tables = RedisTables(redis_url, namespace, PARTITIONS)
    await tables.open()
    engine = engine_of(tables)
    await live(engine, END_MS, consumers=100)
    yield engine
    await tables.close()


@pytest.fixture
def topics(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reader(OutputLog):
        def __init__(self, settings: object, names: list[str]) -> None:
            super().__init__(engine)

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *error: object) -> None: ...

    monkeypatch.setattr(module, "TopicReader", Reader)


@pytest.mark.integration
async def test_all_figures_are_written(
    topics: None, engine: LocalEngine, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    where = {"REDIS_URL": redis_url, "NAMESPACE": namespace, "PARTITIONS": str(PARTITIONS)}
    into = tmp_path / "report"

    done = await asyncio.to_thread(run, "write", str(into), "--as-of", AS_OF, **where)

    assert done.exit_code == 0, done.output
    document: dict[str, Any] = orjson.loads((into / "report.json").read_bytes())
    assert document["as_of"] == AS_OF
    overview = {row["measure"]: row["value"] for row in document["tables"]["overview"]}
    assert overview["points_outstanding"] > 0
    assert overview["consumers"] > overview["consumers_with_points"] > 20
    with (into / "overview.csv").open(newline="") as file:
        assert next(csv.DictReader(file)) == {
            "measure": "consumers",
            "value": str(overview["consumers"]),
        }
    assert {f"{name}.csv" for name in document["tables"]} < {p.name for p in into.iterdir()}
    assert (into / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert not (into / "unfinished").exists()
    assert done.stderr.splitlines()[-1] == f"{3 * PARTITIONS}/{3 * PARTITIONS} offers-00002"
    keys = {key for p in range(PARTITIONS) for key in await engine.tables.entities(p)}
    ids = {key.rpartition(".")[2] for key in keys}
    texts = "".join(path.read_text() for path in into.iterdir())
    assert len(ids) > 200
    assert not [name for name in ids if name in texts]


def test_memory_holds_nothing_to_report(tmp_path: Path) -> None:
    result = run("write", str(tmp_path / "report"), REDIS_URL="memory://")
    assert result.exit_code == 1
    assert result.stderr.startswith("This command needs the workers' Redis")
    assert not (tmp_path / "report").exists()


@pytest.mark.integration
async def test_an_interrupted_run_says_of_which_time_it_is(
    topics: None, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    where = {"REDIS_URL": redis_url, "NAMESPACE": namespace, "PARTITIONS": str(PARTITIONS)}
    into = tmp_path / "report"
    unfinished = into / "unfinished"
    names = {"as_of": END_MS, "namespace": namespace, "partitions": PARTITIONS}
    run_file = orjson.dumps({**names, "ledger": "shadow.ledger", "offers": "shadow.offers"})
    unfinished.mkdir(parents=True)
    (unfinished / "run.json").write_bytes(run_file)

    other = await asyncio.to_thread(
        run, "write", str(into), "--as-of", "2027-01-01T00:00Z", **where
    )
    assert other.exit_code == 1
    assert "another time or deployment" in other.stderr
    done = await asyncio.to_thread(run, "write", str(into), **where)

    assert done.exit_code == 0, done.output
    assert done.stderr.startswith(f"Going on with the report of {AS_OF} in {unfinished}.\n")
    assert orjson.loads((into / "report.json").read_bytes())["as_of"] == AS_OF


async def test_a_store_that_does_not_answer_begins_nothing(tmp_path: Path) -> None:
    where = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    done = await asyncio.to_thread(run, "write", str(tmp_path / "report"), **where)
    assert done.exit_code == 1
    assert not (tmp_path / "report").exists()
