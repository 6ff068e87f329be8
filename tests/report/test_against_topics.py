# SPDX-License-Identifier: Apache-2.0
"""The figures of a report, asked of the same topics in another way: SQL, in DuckDB.

What is loaded are records as they are written to Kafka. Nothing here shares code with the report.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stream.report.figures.counts import Counts
from stream.tables.base import Record
from stream.worker.in_process import LocalEngine
from tests.report.brand import END_MS, LEDGER, OFFERS, OutputLog, counted

LOAD = """
    create table records as select * from read_json(?, format = 'newline_delimited', columns = {
        topic: 'varchar', partition: 'integer', key: 'varchar', type: 'varchar',
        consumer: 'varchar', sequence: 'varchar', data: 'json'});
    create table events as
        select distinct on (topic, partition, sequence) * from records
        where data is not null
          and (topic, key) not in (select topic, key from records where data is null);
    create view entries as select consumer, sequence, partition,
        data->>'kind' as kind, (data->>'points')::bigint as points, data->>'rule' as rule,
        strftime((data->>'as_of')::timestamptz at time zone 'Asia/Shanghai', '%Y-%m-%d') as day
        from events where topic = 'shadow.ledger';
    create view offers as select consumer, type, data->>'offer_id' as offer,
        data->>'reason' as reason, (data->>'as_of')::timestamptz as told
        from events where topic = 'shadow.offers';
"""


@pytest.fixture(scope="module")
def log(brand: LocalEngine) -> OutputLog:
    """The topics after a crash has repeated something and somebody's records were erased."""
    written = [r for topic in (LEDGER, OFFERS) for r in OutputLog(brand).records(topic)]
    again = [r for topic in (LEDGER, OFFERS) for r in OutputLog(brand).records(topic)[-20:]]
    erased = _subject(next(r for r in written if r.topic == OFFERS))
    gone = [Record(r.topic, r.key, None, (), r.partition) for r in written if _subject(r) == erased]
    return OutputLog(brand, [*again, *gone])


@pytest.fixture(scope="module")
def counts(brand: LocalEngine, log: OutputLog, tmp_path_factory: Any) -> Counts:
    return asyncio.run(counted(brand, tmp_path_factory.mktemp("parts"), log))


@pytest.fixture(scope="module")
def sql(log: OutputLog, tmp_path_factory: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    path: Path = tmp_path_factory.mktemp("sql") / "records.json"
    lines = [_line(record) for topic in (LEDGER, OFFERS) for record in log.records(topic)]
    path.write_text("\n".join(map(json.dumps, lines)))
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        load, *rest = LOAD.split(";")
        connection.execute(load, [str(path)])
        for statement in rest:
            connection.execute(statement)
        yield connection


def _line(record: Record) -> dict[str, Any]:
    headers = {name: value.decode() for name, value in record.headers}
    assert record.key is not None
    return {
        "topic": record.topic, "partition": record.partition, "key": record.key.decode(),
        "type": headers.get("ce_type"), "consumer": headers.get("ce_subject"),
        "sequence": headers.get("ce_sequence"),
        "data": None if record.value is None else json.loads(record.value),
    }  # fmt: skip


def _subject(record: Record) -> str:
    return dict(record.headers)["ce_subject"].decode()


def amounts(counts: Counts, *begin: str) -> dict[tuple[str, ...], tuple[int, int]]:
    return {rest: (count.people, count.amount) for rest, count in counts.under(*begin)}


MEASURE = """case kind when 'accrual' then 'granted' when 'clawback' then 'clawed_back'
    when 'expiry' then 'expired' when 'payout' then 'paid' else 'corrected' end"""


def test_movements_by_day(counts: Counts, sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.execute(
        f"""select day, {MEASURE} as measure, count(distinct consumer), abs(sum(points))
            from entries where kind not like 'transfer%' group by all"""
    ).fetchall()
    expected = {(day, measure): (people, int(points)) for day, measure, people, points in rows}
    assert amounts(counts, "movements") == expected
    assert {measure for _, measure in expected} >= {"granted", "clawed_back", "expired", "paid"}


def test_movements_by_rule_and_day(counts: Counts, sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.execute(
        f"""select day, rule, {MEASURE} as measure, count(distinct consumer), abs(sum(points))
            from entries where kind in ('accrual', 'clawback', 'expiry') group by all"""
    ).fetchall()
    expected = {(day, rule, what): (n, int(points)) for day, rule, what, n, points in rows}
    assert amounts(counts, "movements_by_rule") == expected


ENDS = """
    select strftime(i.told at time zone 'Asia/Shanghai', '%Y-%m') as month,
        coalesce(case when e.reason = 'superseded' then 'superseded'
                      else split_part(e.type, '.', 2) end, 'live') as ended,
        date_diff('second', i.told, e.told) // 3600 as hours
    from offers i left join offers e on e.offer = i.offer
        and e.type in ('offer.accepted.v1', 'offer.lapsed.v1', 'offer.withdrawn.v1')
    where i.type = 'offer.issued.v1'
"""


def test_offers_by_the_month_of_their_issue(counts: Counts, sql: duckdb.DuckDBPyConnection) -> None:
    expected: dict[tuple[str, ...], int] = defaultdict(int)
    for month, ended, count in sql.execute(
        f"select month, ended, count(*) from ({ENDS}) group by all"
    ).fetchall():
        expected[month, ended] += count
        expected[month, "made"] += count
    assert {key: n for key, (_, n) in amounts(counts, "offers").items()} == expected
    assert {ended for _, ended in expected} >= {"made", "accepted", "lapsed", "withdrawn"}


def test_hours_from_an_offer_to_its_end(counts: Counts, sql: duckdb.DuckDBPyConnection) -> None:
    rows = sql.execute(
        f"select month, ended, hours, count(*) from ({ENDS}) where ended <> 'live' group by all"
    ).fetchall()
    expected = {(month, ended, f"{hours:06d}"): n for month, ended, hours, n in rows}
    assert {key: n for key, (_, n) in amounts(counts, "offer_hours").items()} == expected


async def test_the_accounts_say_what_the_whole_ledger_says(
    brand: LocalEngine, tmp_path: Path
) -> None:
    """Nobody erased: points granted by rule, expired, paid, and left, from two sources."""
    log = OutputLog(brand)
    counts = await counted(brand, tmp_path / "parts", log, END_MS)
    path = tmp_path / "records.json"
    path.write_text("\n".join(json.dumps(_line(record)) for record in log.records(LEDGER)))
    with duckdb.connect() as sql:
        load, *_ = LOAD.split(";")
        sql.execute(load, [str(path)])
        sql.execute(
            """create view entries as select consumer, data->>'kind' as kind,
               (data->>'points')::bigint as points, data->>'rule' as rule from records"""
        )
        granted = sql.execute(
            """select rule, sum(points) from entries
               where kind in ('accrual', 'clawback') group by rule having sum(points) <> 0"""
        ).fetchall()
        expired = sql.execute(
            "select rule, -sum(points) from entries where kind = 'expiry' group by rule"
        ).fetchall()
        ((paid, left),) = sql.execute(
            """select -sum(points) filter (kind in ('payout', 'payout_correction')), sum(points)
               from entries"""
        ).fetchall()
    by_rule = {key: n for key, (_, n) in amounts(counts, "rules").items()}
    assert {r: n for (r, what), n in by_rule.items() if what == "granted"} == dict(granted)
    assert {r: n for (r, what), n in by_rule.items() if what == "expired"} == dict(expired)
    overview = {what: n for (what,), (_, n) in amounts(counts, "overview").items()}
    assert overview["points_paid"] == paid
    assert overview["points_outstanding"] == left
    assert sum(dict(expired).values()) == overview["points_expired"] > 0
