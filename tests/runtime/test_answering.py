from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.privacy import CONSENT_GRANTED, ERASE_REQUESTED, EXPORT_REQUESTED
from stream.local import LocalEngine
from stream.rules.apps import load_apps
from stream.rules.loader import load_rules
from stream.runtime import answering
from stream.runtime.answering import Answers, Mailroom, Request
from stream.runtime.housekeeping import wall_clock_ms
from stream.runtime.people import person_behind
from stream.settings import load_settings
from stream.tables.base import Record
from tests.runtime.events import MINI_PROGRAM, envelope, openid, shopper, unionid
from tests.runtime.test_exporting import Log, Seen, outputs

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
    value = envelope("r-1", kind, now - age_ms, data)
    record = Seen("privacy.requests", 2, 42, None, value, (), now)
    return await Mailroom(engine.tables, APPS, BOOK, SETTINGS).read(record, TYPES)


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
    assert await person_behind(engine.tables, engine.partitions, request.to) == PERSON


async def test_a_payment_which_is_not_known_leads_to_nobody(engine: LocalEngine) -> None:
    request = await understood(engine, {"transaction_id": "4200000000"})
    assert request is not None
    assert await person_behind(engine.tables, engine.partitions, request.to) is None


async def test_what_the_engine_makes_a_dead_letter_is_no_request(engine: LocalEngine) -> None:
    assert await understood(engine, {"appid": "wx0000000000000000", "openid": "o"}) is None
    assert await understood(engine, BY_ORIGIN, age_ms=40 * 86_400_000) is None
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
    await Answers(SETTINGS, engine.tables, BOOK, publish).give(requests)
    return published


async def test_the_same_request_has_the_same_id(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await understood(engine, BY_ORIGIN)
    assert request is not None
    first, second = await answered(engine, monkeypatch, [request, request])
    assert first.topic == "shadow.exports"
    assert first.key == second.key == dict(first.headers)["ce_id"]
    assert dict(first.headers)["ce_subject"] == PERSON.encode()


async def test_an_export_beyond_the_topics_limit_is_told_and_left_out(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = await understood(engine, BY_ORIGIN)
    assert request is not None
    monkeypatch.setattr(answering, "EXPORT_BYTES_MAX", 8_000)
    with caplog.at_level(logging.INFO):
        assert await answered(engine, monkeypatch, [request]) == []
    assert "The export for request r-1 has " in caplog.text
    assert "shadowpoints export" in caplog.text
    assert openid(7) not in caplog.text
