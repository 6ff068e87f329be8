# SPDX-License-Identifier: Apache-2.0
"""A brand for the tests of reports: two days of some hundred people, and the year after them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from stream.brand.directory import load_apps
from stream.demo.day import generate
from stream.engine.model.ruleset import ControlGroup, RuleBook
from stream.report.figures.counts import Counts
from stream.report.snapshot import Run, Snapshot, begun
from stream.rules.loader import load_rules
from stream.tables.base import Record, Tables
from stream.worker.in_process import LocalEngine

PARTITIONS = 3
LEDGER, OFFERS = "shadow.ledger", "shadow.offers"
DAYS = (date(2026, 3, 20), date(2026, 11, 20))
#: 2027-12-01 in Shanghai: all offers have lapsed, and of the second day all points expired.
END_MS = 1_827_590_400_000


def book() -> RuleBook:
    """The shipped rules, with three consumers of ten kept without offers."""
    shipped = load_rules(None)
    versions = [replace(v, control_group=ControlGroup("spring", 30)) for v in shipped.versions]
    return replace(shipped, versions=tuple(versions))


def engine_of(tables: Tables | None = None) -> LocalEngine:
    return LocalEngine(book(), load_apps(None), tables, partitions=PARTITIONS)


async def live(engine: LocalEngine, until_ms: int, consumers: int = 600) -> None:
    """Let both days happen, then time pass."""
    for number, day in enumerate(DAYS):
        happened = generate(seed=number, consumers=consumers, events=consumers * 8, day=day)
        for record in happened.records:
            value, at = record.value, record.time_ms
            engine.publish(record.topic, record.key, value, record.headers, at)
        await engine.advance_async(happened.end_ms)
    await engine.advance_async(until_ms)


class OutputLog:
    """What an engine has published, as ``TopicReader`` gives it; ``further`` comes after it."""

    def __init__(self, engine: LocalEngine, further: Sequence[Record] = ()) -> None:
        self._engine, self._further = engine, further

    def records(self, topic: str) -> list[Record]:
        mine = [record for record in self._further if record.topic == topic]
        return [*self._engine.outputs[topic], *mine]

    async def batches(self, topic: str, partition: int) -> AsyncIterator[Sequence[Record]]:
        yield [record for record in self.records(topic) if record.partition == partition]


async def counted(
    engine: LocalEngine, directory: Path, log: OutputLog | None = None, as_of: int = 0
) -> Counts:
    run = Run(as_of or engine.clock_ms, "test", PARTITIONS, LEDGER, OFFERS)
    begun(directory, run, as_of_given=True)
    snapshot = Snapshot(run, engine.tables, log or OutputLog(engine), directory)
    return await snapshot.counts(lambda name, number, of: None)
