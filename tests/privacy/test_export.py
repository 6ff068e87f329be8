# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
import pytest

from schemas import CONTRACTS, encode_data
from schemas.exports import CONSUMER_EXPORTED
from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.demo.day import generate
from stream.engine.model.decision import Channel
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account
from stream.engine.storage.codec import load_entity
from stream.kafka.topic_reader import OnRead, ignore_progress
from stream.privacy.export import CHANNELS, Exporter
from stream.rules.loader import load_rules
from stream.tables.base import Record
from stream.worker.in_process import LocalEngine
from tests.worker.events import MINI_PROGRAM, login, openid, payment, shopper, unionid

NAMES = TopicNames()
BOOK, APPS = load_rules(None), load_apps(None)
NOW = 1_795_000_000_000
PERSON, ORIGIN = f"union.abc-brand.{unionid(7)}", f"origin.{MINI_PROGRAM}.{openid(7)}"


@dataclass(frozen=True)
class Seen:
    """A record as a reader sees it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int = NOW
    timestamp_type: int = 1


@dataclass
class Log:
    """What an engine published, to be read."""

    records: list[Record] = field(default_factory=list)

    async def read(self, topic: str, on_read: OnRead = ignore_progress) -> AsyncIterator[Seen]:
        mine = [record for record in self.records if record.topic == topic]
        for offset, record in enumerate(sorted(mine, key=lambda r: r.partition or 0)):
            on_read(1)
            yield Seen(topic, record.partition or 0, offset, record.key, record.value,
                       record.headers)  # fmt: skip


def outputs(engine: LocalEngine) -> Log:
    return Log([r for channel in CHANNELS for r in engine.outputs[NAMES.channel(channel)]])


async def exported(
    engine: LocalEngine, log: Log, *keys: str, request: str | None = None
) -> list[dict[str, Any]]:
    exporter = Exporter(engine.tables, engine.partitions, NAMES)
    exports = await exporter.begin(keys, engine.clock_ms)
    await exporter.read(log, exports)
    return [export.document(NAMES, request) for export in exports]


async def played(*events: tuple[str, bytes]) -> LocalEngine:
    engine = LocalEngine(BOOK, APPS)
    for topic, value in events:
        engine.publish(topic, None, value, (), NOW)
    await engine.settle_async()
    return engine


@pytest.fixture
async def engine() -> LocalEngine:
    """Give one in which two people have bought breakfast for weeks."""
    return await played(*shopper(7, NOW), *shopper(8, NOW))


async def test_the_document_is_as_its_contract_says(engine: LocalEngine) -> None:
    (document,) = await exported(engine, outputs(engine), PERSON, request="r-1")
    model = CONTRACTS[CONSUMER_EXPORTED].adapter.validate_python(document)
    assert orjson.loads(encode_data(model)) == document


async def test_everything_of_one_person_and_nothing_of_another(engine: LocalEngine) -> None:
    (document,) = await exported(engine, outputs(engine), ORIGIN)
    assert document["consumer_id"] == PERSON
    assert [(o["appid"], o["openid"]) for o in document["origins"]] == [(MINI_PROGRAM, openid(7))]
    (evidence,) = document["origins"][0]["evidence"]
    assert evidence["event_id"] == "login-7-0"
    assert len(document["payments"]) == 20
    assert {p["fields"]["total_fen"] for p in document["payments"]} == {2000}
    assert [e["type"] for e in document["identity"]] == ["origin.bound.v1"]
    account = document["account"]
    assert sum(e["data"]["points"] for e in document["ledger"]) == account["balance"] > 0
    assert document["offers"][-1]["data"]["points"] == account["last_offer"]["points"]
    assert [c["answer"] for c in account["consents"]] == ["granted"]
    text = orjson.dumps(document).decode()
    assert unionid(8) not in text
    assert openid(8) not in text


async def test_times_are_those_of_shanghai(engine: LocalEngine) -> None:
    (document,) = await exported(engine, outputs(engine), PERSON)
    times = [document["as_of"], *(t["time"] for t in document["account"]["touches"])]
    for section in ("ledger", "offers", "identity"):
        times += [e["time"] for e in document[section]]
    times += [e["data"]["as_of"] for e in (*document["ledger"], *document["offers"])]
    times += [e["data"]["evidence"]["time"] for e in document["identity"]]
    assert {time[-6:] for time in times} == {"+08:00"}


async def test_several_people_share_one_reading(engine: LocalEngine) -> None:
    other = f"union.abc-brand.{unionid(8)}"
    together = await exported(engine, outputs(engine), PERSON, other, PERSON)
    alone = [(await exported(engine, outputs(engine), key))[0] for key in (PERSON, other)]
    assert together == [*alone, alone[0]]


async def test_copies_are_left_out_and_so_is_what_was_erased(engine: LocalEngine) -> None:
    log = outputs(engine)
    (whole,) = await exported(engine, log, PERSON)
    again = [r for r in log.records if r.topic == NAMES.channel(Channel.LEDGER)]
    log.records += again
    assert await exported(engine, log, PERSON) == [whole]
    gone = whole["ledger"][0]["id"]
    hers = [r for r in again if r.key == gone.encode()]
    tombstones = [Record(r.topic, r.key, None, (), r.partition) for r in hers]
    log.records += tombstones
    (rest,) = await exported(engine, log, PERSON)
    assert [e["id"] for e in rest["ledger"]] == [e["id"] for e in whole["ledger"]][1:]


async def test_of_nobody_the_document_says_nothing() -> None:
    engine = await played(*shopper(8, NOW))
    exporter = Exporter(engine.tables, engine.partitions, NAMES)
    (export,) = exports = await exporter.begin([PERSON], NOW)
    await exporter.read(outputs(engine), exports)
    assert export.is_empty
    document = export.document(NAMES)
    CONTRACTS[CONSUMER_EXPORTED].adapter.validate_python(document)
    assert set(document) == {
        "consumer_id", "as_of", "origins", "payments", "ledger", "offers", "identity", "traits"
    }  # fmt: skip


async def test_the_points_of_an_origin_before_it_was_bound_are_hers() -> None:
    early = payment(7, 99, NOW - 5_000)
    engine = await played(early)
    for topic, value in (login(7, 0, NOW - 1_000), *shopper(8, NOW)):
        engine.publish(topic, None, value, (), NOW)
    await engine.settle_async()
    (document,) = await exported(engine, outputs(engine), PERSON)
    assert {ORIGIN, PERSON} >= {e["subject"] for e in document["ledger"]}
    assert [p["consumer_id"] for p in document["payments"]] == [ORIGIN]


async def test_everyone_of_a_day_gets_a_valid_document() -> None:
    day = generate(seed=3, consumers=50, events=800, day=date(2026, 11, 20))
    engine = LocalEngine(BOOK, APPS)
    for record in day.records:
        engine.publish(record.topic, record.key, record.value, record.headers, day.end_ms)
    await engine.settle_async()
    stored = {key: load_entity(key, value) for key, value in engine.entities().items()}
    people = [key for key, entity in stored.items() if isinstance(entity, Account)]
    documents = await exported(engine, outputs(engine), *people)
    for document in documents:
        CONTRACTS[CONSUMER_EXPORTED].adapter.validate_python(document)
        entries = [e for e in document["ledger"] if e["subject"] == document["consumer_id"]]
        points = sum(entry["data"]["points"] for entry in entries)
        assert points == document["account"]["balance"]
    accounts = (entity for entity in stored.values() if isinstance(entity, Account))
    origins = {o for account in accounts for o in account.facts_by_origin}
    paid = {
        k for k, e in stored.items() if isinstance(e, Payment) and e.fact and e.origin in origins
    }
    given = [f"tx.{p['transaction_id']}" for document in documents for p in document["payments"]]
    assert sorted(given) == sorted(paid)
    assert len(paid) > 10
