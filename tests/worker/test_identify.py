# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stream.addressing.partitioning import entity_partition
from stream.addressing.topics import TopicNames
from stream.brand.directory import load_apps
from stream.engine.model.messages import FactReceived, PaymentReported, decode
from stream.engine.model.state import Evidence, Origin
from stream.engine.model.time_checks import Horizons
from stream.engine.storage.codec import dump_entity
from stream.kafka.record_batches import Batch
from stream.process.worker_metrics import Metrics
from stream.tables import Commit, MemoryTables, Record, Write
from stream.worker import identify as module
from stream.worker.dead_letter_breaker import Floods
from stream.worker.identify import IdentifyStage
from stream.worker.in_process import LoggedRecord
from tests.worker.events import MINI_PROGRAM, envelope, login, openid, payment

PARTITIONS = 4
NOW_MS = 1_784_000_000_000  # 2026-07-14
ORIGIN = f"origin.{MINI_PROGRAM}.{openid(1)}"
BY_ORIGIN = {"appid": MINI_PROGRAM, "openid": openid(1)}
CONNECT = "__connect.errors."


class Stage:
    """An identify_stage on tables in memory which publishes into a list."""

    def __init__(self, floods: Floods | None = None) -> None:
        self.tables = MemoryTables(PARTITIONS)
        self.published: list[Record] = []
        self.metrics = Metrics()
        self.identify_stage = IdentifyStage(
            self.tables,
            load_apps(),
            Horizons(35, 366),
            self._publish,
            partitions=PARTITIONS,
            clock_ms=lambda: NOW_MS,
            names=TopicNames("t."),
            metrics=self.metrics,
            floods=floods,
        )

    async def _publish(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        self.published += records

    async def store(self, key: str, origin: Origin) -> None:
        partition = entity_partition(key, PARTITIONS)
        claim = (await self.tables.claim([partition], 1, "test"))[partition]
        write = {key: Write(dump_entity(origin))}
        await self.tables.commit([Commit(partition, claim.epoch, -1, 0, 0, write)])

    async def handle(self, topic: str, *values: bytes | None) -> list[Record]:
        made = enumerate(values)
        records = [LoggedRecord(n, NOW_MS, b"key", value, [("h", b"x")]) for n, value in made]
        await self.identify_stage.handle([Batch(f"t.{topic}", 2, records)])
        return self.published


def errors(record: Record) -> dict[str, str]:
    return {
        name.removeprefix(CONNECT): value.decode()
        for name, value in record.headers
        if name.startswith(CONNECT)
    }


async def test_a_payment_goes_to_its_origin_and_to_its_order() -> None:
    records = await Stage().handle(*payment(1, 1, NOW_MS))
    found = [decode(record.value or b"") for record in records]
    assert [(to.split(".")[0], type(message)) for to, message in found] == [
        ("origin", FactReceived),
        ("tx", PaymentReported),
    ]
    assert [(record.topic, record.key, record.partition) for record in records] == [
        ("t.shadow.resolved", None, entity_partition(to, PARTITIONS)) for to, _ in found
    ]


async def test_an_event_of_a_bound_origin_goes_to_the_profile() -> None:
    stage = Stage()
    evidence = {"union.abc-brand.u1": Evidence(1, "e", "session.logged_in.v1")}
    await stage.store(ORIGIN, Origin(evidence, "union.abc-brand.u1", 3))
    first, _ = await stage.handle(*payment(1, 1, NOW_MS))
    to, message = decode(first.value or b"")
    assert to == "union.abc-brand.u1"
    assert isinstance(message, FactReceived)
    assert (message.origin, message.generation) == (ORIGIN, 3)


async def test_a_bad_record_is_a_dead_letter_and_its_neighbours_are_not() -> None:
    stage = Stage()
    _, good = payment(1, 1, NOW_MS)

    records = await stage.handle("wechat.pay", good, b"{", good)

    assert len(records) == 5
    dead = records[2]
    assert (dead.topic, dead.value) == ("t.shadow.dead-letters", b"{")
    assert (dead.key, dead.partition) == (b"t.wechat.pay-2@1", 2)
    assert ("h", b"x") in dead.headers
    assert ("shadowpoints.key", b"key") in dead.headers
    found = errors(dead)
    assert found.pop("exception.message")
    assert found == {
        "topic": "t.wechat.pay",
        "partition": "2",
        "offset": "1",
        "connector.name": "shadowpoints",
        "stage": "identify",
        "exception.class.name": "malformed_json",
    }


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        ("wechat.pay", None, "malformed_json"),
        ("event.check-in", payment(1, 1, NOW_MS)[1], "wrong_topic"),
        ("wechat.pay", payment(1, 1, NOW_MS + 3_600_000)[1], "in_future"),
        ("wechat.pay", payment(1, 1, NOW_MS - 400 * 86_400_000)[1], "too_late"),
        ("wechat.pay", payment(1, 1, NOW_MS, appid="wx0000000000000000")[1], "unknown_app"),
    ],
)
async def test_every_refusal_names_its_reason(topic: str, value: bytes | None, reason: str) -> None:
    stage = Stage()
    (dead,) = await stage.handle(topic, value)
    assert errors(dead)["exception.class.name"] == reason
    # Null would be a tombstone of the message itself.
    assert dead.value == (value or b"")
    assert (("shadowpoints.no-value", b"") in dead.headers) is (value is None)
    assert f'reason="{reason}"' in stage.metrics.text().decode()


async def test_a_dead_letter_is_the_same_each_time() -> None:
    assert await Stage().handle("wechat.pay", b"{") == await Stage().handle("wechat.pay", b"{")


@pytest.mark.parametrize("where", ["decode", "route"])
async def test_our_own_failure_costs_one_dead_letter_and_names_nobody(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = getattr(module, where)
    calls = iter([False, True, False])

    def fail(*args: object) -> object:
        if next(calls):
            raise KeyError(openid(7))
        return real(*args)

    monkeypatch.setattr(module, where, fail)
    values = [login(person, 1, NOW_MS)[1] for person in (6, 7, 8)]

    records = await Stage().handle("wechat.mini-program", *values)

    topics = [record.topic.removeprefix("t.shadow.") for record in records]
    assert topics == ["resolved", "dead-letters", "resolved"]
    assert errors(records[1])["exception.class.name"] == "internal"
    assert "t.wechat.mini-program-2 offset 1" in caplog.text
    assert "KeyError" in caplog.text
    assert openid(7) not in caplog.text


async def test_a_dead_letter_flood_halts_one_partition(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(Floods(0.5, window=10, seen_min=4))
    _, good = payment(1, 1, NOW_MS)
    await stage.handle("wechat.pay", good, b"{", good, b"{")
    before = list(stage.published)

    await stage.handle("wechat.pay", b"{", b"{", good)
    await stage.handle("wechat.pay", good)

    assert stage.published == before
    assert stage.identify_stage.floods.halted == {("t.wechat.pay", 2)}
    assert "t.wechat.pay-2 is halted: 3 of the latest 5 source records" in caplog.text
    assert b"shadowpoints_halted_partitions 1.0" in stage.metrics.text()
    assert b'dead_letters_total{reason="malformed_json"} 2.0' in stage.metrics.text()

    view = envelope("v", "page.viewed.v1", NOW_MS, {**BY_ORIGIN, "path": "a"})
    await stage.handle("wechat.mini-program", view)
    assert len(stage.published) == len(before) + 1

    # What was withheld goes on when an operator says so.
    floods, place = stage.identify_stage.floods, ("t.wechat.pay", 2)
    withheld = floods.resume(place, 10) or []
    assert [len(batch.records) for batch in withheld] == [3, 1]
    await stage.identify_stage.handle(withheld)
    assert floods.settle(place)
    assert len(stage.published) == len(before) + 1 + 2 + 2 * 2  # two messages, two payments
    assert b"shadowpoints_halted_partitions 0.0" in stage.metrics.text()


async def test_a_backlog_which_comes_too_late_is_no_flood() -> None:
    """2,000 page views, then 501 check-ins of forty days ago: six requests of one till."""
    stage = Stage(Floods(0.5))
    view = envelope("v", "page.viewed.v1", NOW_MS, {**BY_ORIGIN, "path": "a"})
    await stage.handle("wechat.mini-program", *[view] * 2_000)
    ticket = {"event_id": "tasting", "list_id": "door", "ticket_id": "7", **BY_ORIGIN}
    old = envelope("c", "attendee.checked_in.v1", NOW_MS - 40 * 86_400_000, ticket)
    future = envelope("f", "attendee.checked_in.v1", NOW_MS + 86_400_000, ticket)
    for value in (old, future):
        records = (await stage.handle("event.check-in", *[value] * 501))[-501:]
    assert {errors(record)["exception.class.name"] for record in records} == {"in_future"}
    assert not stage.identify_stage.floods.halted
    assert len(stage.published) == 2_000 + 2 * 501


async def test_a_dead_letter_of_a_source_with_more_partitions_goes_to_one_that_exists() -> None:
    stage = Stage()
    records = [LoggedRecord(0, NOW_MS, b"key", b"no JSON", [])]
    await stage.identify_stage.handle([Batch("t.wechat.pay", PARTITIONS + 1, records)])
    (letter,) = stage.published
    assert letter.partition == 1
    assert errors(letter)["partition"] == str(PARTITIONS + 1)
