# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from schemas import decode
from schemas.privacy import CONSENT_GRANTED, ERASE_REQUESTED, EXPORT_REQUESTED
from stream.brand.directory import load_apps
from stream.config.settings import load_settings
from stream.lookup.entity_reader import EntityReader
from stream.privacy import export_requests as answering
from stream.privacy.export_requests import ExportAnswers, Request, RequestReader
from stream.process.clock import wall_clock_ms
from stream.rules.loader import load_rules
from stream.tables.base import Record
from stream.worker.in_process import LocalEngine
from tests.privacy.test_export import Log, Seen, outputs
from tests.worker.events import MINI_PROGRAM, envelope, openid, shopper, unionid

BOOK, APPS, SETTINGS = load_rules(None), load_apps(None), load_settings({})
PERSON, ORIGIN = f"union.abc-brand.{unionid(7)}", f"origin.{MINI_PROGRAM}.{openid(7)}"
TYPES = (ERASE_REQUESTED, EXPORT_REQUESTED)
BY_ORIGIN = {"appid": MINI_PROGRAM, "openid": openid(7)}
TRANSACTION = "42000000000700000003"


@pytest.fixture
async def engine() -> LocalEngine:
    """Give one in which somebody has bought breakfast for weeks."""
    engine = LocalEngine(BOOK, APPS, partitions=SETTINGS.partitions)
    now = wall_clock_ms()
    for topic, value in shopper(7, now):
        engine.publish(topic, None, value, (), now)
    await engine.settle_async()
    return engine


async def understood(
    engine: LocalEngine, data: dict[str, Any], kind: str = EXPORT_REQUESTED, age_ms: int = 0
) -> Request | None:
    now = wall_clock_ms()
    value = envelope(f"for-{openid(7)}", kind, now - age_ms, data)
    record = Seen("privacy.requests", 2, 42, None, value, (), now)
    return await RequestReader(engine.tables, APPS, SETTINGS).read(record, TYPES)


@pytest.mark.parametrize(
    "data",
    [
        {"consumer_id": PERSON},
        {"consumer_id": ORIGIN},
        BY_ORIGIN,
        {"unionid": unionid(7), "open_account": "abc-brand"},
        {"transaction_id": TRANSACTION},
    ],
)
@pytest.mark.parametrize("kind", TYPES)
async def test_every_identifier_leads_to_the_person(
    engine: LocalEngine, kind: str, data: dict[str, str]
) -> None:
    request = await understood(engine, data, kind)
    assert request is not None
    assert (request.partition, request.offset) == (2, 42)
    (to,) = request.to
    assert await EntityReader(engine.tables, engine.partitions).person_behind(to) == PERSON


async def test_a_payment_which_is_not_known_leads_to_nobody(engine: LocalEngine) -> None:
    request = await understood(engine, {"transaction_id": "4200000000"})
    assert request is not None
    (to,) = request.to
    assert await EntityReader(engine.tables, engine.partitions).person_behind(to) is None


async def test_what_the_engine_makes_a_dead_letter_is_no_request(engine: LocalEngine) -> None:
    assert await understood(engine, {"appid": "wx0000000000000000", "openid": "o1"}) is None
    assert await understood(engine, BY_ORIGIN, age_ms=-600_000) is None
    assert await understood(engine, {}) is None
    assert await understood(engine, BY_ORIGIN) is not None


async def test_other_events_are_no_requests(engine: LocalEngine) -> None:
    consent = BY_ORIGIN | {"text_version": "1", "channel": "oa"}
    assert await understood(engine, consent, CONSENT_GRANTED) is None


class Reader(Log):
    """Stands for a reader of real topics."""

    async def __aenter__(self) -> Reader:
        return self

    async def __aexit__(self, *error: object) -> None: ...


async def answered(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, requests: Sequence[Request]
) -> list[Record]:
    published: list[Record] = []

    async def publish(records: Sequence[Record]) -> None:
        published.extend(records)

    log = Reader(outputs(engine).records)
    monkeypatch.setattr(answering, "TopicReader", lambda settings, topics: log)
    await ExportAnswers(SETTINGS, engine.tables, publish).give(requests)
    return published


async def test_a_request_has_one_id(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await understood(engine, BY_ORIGIN)
    assert request is not None
    first, second = await answered(engine, monkeypatch, [request, request])
    assert first.topic == "shadow.exports"
    assert first.key == second.key == dict(first.headers)["ce_id"]
    assert dict(first.headers)["ce_subject"] == PERSON.encode()


async def test_an_export_beyond_the_topics_limit_comes_in_parts(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = await understood(engine, BY_ORIGIN)
    assert request is not None
    (whole,) = await answered(engine, monkeypatch, [request])
    monkeypatch.setattr(answering, "EXPORT_BYTES_MAX", 8_000)
    with caplog.at_level(logging.INFO):
        parts = await answered(engine, monkeypatch, [request])

    assert len(parts) > 1
    assert parts[0].key == whole.key
    assert len({part.key for part in parts}) == len(parts)
    assert {part.partition for part in parts} == {whole.partition}
    for part in parts:
        decode(part.value, part.headers, "shadow.exports")
    said = [orjson.loads(part.value or b"") for part in parts]
    assert [(part["part"], part["parts"]) for part in said] == [
        (n, len(parts)) for n in range(1, len(parts) + 1)
    ]
    assert all(len(part.value or b"") <= 8_000 for part in parts)
    assert f"bytes in {len(parts)} parts" in caplog.text

    monkeypatch.setattr(answering, "EXPORT_BYTES_MAX", 4_200)
    assert await answered(engine, monkeypatch, [request]) == []
    assert "The export for request 2@42 cannot be cut" in caplog.text
    assert "shadowpoints export" in caplog.text
    assert openid(7) not in caplog.text


async def test_no_export_once_erased(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request happened before the erasure and is heard of after it: the engine refuses it."""
    now = wall_clock_ms()
    erase = envelope("e-1", ERASE_REQUESTED, now, BY_ORIGIN)
    engine.publish("privacy.requests", None, erase, (), now)
    for data in (BY_ORIGIN, {"consumer_id": PERSON}, {"consumer_id": ORIGIN}):
        request = await understood(engine, data, age_ms=30_000)
        assert request is not None
        await engine.settle_async()
        assert await answered(engine, monkeypatch, [request]) == []
    after = await understood(engine, BY_ORIGIN, age_ms=-1)
    assert after is not None
    assert len(await answered(engine, monkeypatch, [after])) == 1


async def test_a_request_of_two_people_is_refused_whole_where_the_engine_refuses_it(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its origin was erased since: the engine refuses the event, for whomever else it names."""
    now = wall_clock_ms()
    for topic, value in shopper(8, now):
        engine.publish(topic, None, value, (), now)
    erase = envelope("e-1", ERASE_REQUESTED, now, BY_ORIGIN)
    engine.publish("privacy.requests", None, erase, (), now)
    await engine.settle_async()
    both = BY_ORIGIN | {"unionid": unionid(8), "open_account": "abc-brand"}

    request = await understood(engine, both, age_ms=30_000)
    assert request is not None
    assert request.to == (ORIGIN,)
    assert await answered(engine, monkeypatch, [request]) == []
    after = await understood(engine, both, age_ms=-1)
    assert after is not None
    assert len(await answered(engine, monkeypatch, [after])) == 2


async def test_a_request_which_names_two_people_is_answered_for_both(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = wall_clock_ms()
    for topic, value in shopper(8, now):
        engine.publish(topic, None, value, (), now)
    await engine.settle_async()
    other = {"unionid": unionid(8), "open_account": "abc-brand"}
    request = await understood(engine, BY_ORIGIN | other)
    assert request is not None
    published = await answered(engine, monkeypatch, [request])
    subjects = {dict(record.headers)["ce_subject"].decode() for record in published}
    assert subjects == {PERSON, f"union.abc-brand.{unionid(8)}"}
    assert len({record.key for record in published}) == 2

    again = {"unionid": unionid(7), "open_account": "abc-brand"}
    same = await understood(engine, BY_ORIGIN | again)
    assert same is not None
    assert len(await answered(engine, monkeypatch, [same])) == 1
