from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from stream.engine.codec import dump_entity
from stream.engine.messages import Arrived, Paid, decode
from stream.engine.state import Evidence, Origin
from stream.local import LoggedRecord
from stream.rules.apps import load_apps
from stream.rules.loader import load_rules
from stream.runtime import identifier as module
from stream.runtime.flood import DeadLetterFlood, FloodLimit
from stream.runtime.identifier import Identifier
from stream.runtime.metrics import Metrics
from stream.runtime.partitioning import entity_partition
from stream.runtime.runs import Run
from stream.runtime.topics import TopicNames
from stream.tables import Commit, MemoryTables, Record, Write
from tests.runtime.events import MINI_PROGRAM, login, openid, payment

PARTITIONS = 4
NOW_MS = 1_784_000_000_000  # 2026-07-14
ORIGIN = f"origin.{MINI_PROGRAM}.{openid(1)}"
CONNECT = "__connect.errors."


class Stage:
    """An identifier on tables in memory which publishes into a list."""

    def __init__(self, flood: FloodLimit | None = None) -> None:
        self.tables = MemoryTables(PARTITIONS)
        self.published: list[Record] = []
        self.metrics = Metrics()
        self.identifier = Identifier(
            self.tables,
            load_apps(),
            load_rules(),
            self._publish,
            partitions=PARTITIONS,
            clock_ms=lambda: NOW_MS,
            names=TopicNames("t."),
            metrics=self.metrics,
            flood=flood,
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
        records = [
            LoggedRecord(n, NOW_MS, b"key", value, [("h", b"x")]) for n, value in enumerate(values)
        ]
        await self.identifier.handle([Run(f"t.{topic}", 2, records)])
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
        ("origin", Arrived),
        ("tx", Paid),
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
    assert isinstance(message, Arrived)
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
    # Null would be a tombstone of the letter itself.
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


async def test_a_flood_of_dead_letters_publishes_none_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(FloodLimit(0.5, window=10, seen_min=4))
    _, good = payment(1, 1, NOW_MS)
    await stage.handle("wechat.pay", good, b"{", good, b"{")
    before = list(stage.published)

    with pytest.raises(DeadLetterFlood, match="3 of the latest 5 source records"):
        await stage.handle("wechat.pay", b"{", b"{", good)

    assert stage.published == before
    assert "3 of the latest 5" in caplog.text
