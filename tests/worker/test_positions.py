# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from faust.types import TP

from stream.kafka.record_marks import RecordMark
from stream.process.worker_metrics import Metrics
from stream.tables import Commit, MemoryTables, Record
from stream.worker.positions import Positions, Reached
from stream.worker.reward import LogMismatch, RewardStage

RESOLVED = "shadow.resolved"
FIRST, SECOND, SOURCE = TP(RESOLVED, 0), TP(RESOLVED, 1), TP("wechat.pay", 0)
MARK = RecordMark(41, "0123456789abcdef", "a" * 32)
OTHER = RecordMark(41, "fedcba9876543210", "a" * 32)


@dataclass
class FakeLog:
    start: int
    end: int
    found: RecordMark | None = None
    ids: dict[str, str] = field(default_factory=dict)

    async def starts(self, tps: Sequence[TP]) -> Mapping[TP, int]:
        return dict.fromkeys(tps, self.start)

    async def ends(self, tps: Sequence[TP]) -> Mapping[TP, int]:
        return dict.fromkeys(tps, self.end)

    async def mark_at(self, tp: TP, offset: int) -> RecordMark | None:
        return self.found

    def mark(self, tp: TP) -> RecordMark | None:
        return MARK

    def log(self, topic: str) -> str:
        return self.ids.get(topic, "")


async def nowhere(records: Sequence[Record]) -> None:
    assert not records


async def applied(partition: int, offset: int, metrics: Metrics) -> Positions:
    """Positions of a worker whose predecessor has applied a partition up to an offset."""
    tables = MemoryTables(2)
    claim = (await tables.claim([partition], 1, "predecessor"))[partition]
    await tables.commit([Commit(partition, claim.epoch, -1, offset, 0, mark=str(MARK))])
    reward_stage = RewardStage(tables, nowhere, partitions=2, namespace="test", owner="test")
    return Positions(reward_stage, RESOLVED, metrics)


async def found(positions: Positions, log: FakeLog, *tps: TP) -> dict[TP, int]:
    return await positions.find(log, positions.reached(dict.fromkeys(tps, Reached())))


async def test_consuming_goes_on_after_what_is_stored() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST, SECOND, SOURCE], 2)
    where = await found(positions, FakeLog(0, 100, MARK), FIRST, SECOND, SOURCE)
    assert where == {FIRST: 42, SECOND: 0, SOURCE: 0}


async def test_another_owners_partition_goes_on_within_its_bounds() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST], 2)
    positions.release([FIRST])
    reached = {FIRST: Reached(300, OTHER)}
    assert await positions.find(FakeLog(0, 100, MARK), reached) == {FIRST: 100}


async def test_a_log_which_starts_later_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    positions = await applied(0, 41, metrics)
    await positions.claim([FIRST], 2)
    assert await found(positions, FakeLog(50, 100), FIRST) == {FIRST: 50}
    assert "up to 8 records are lost" in caplog.text
    assert "shadowpoints_log_gaps_total 1.0" in metrics.text().decode()


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (FakeLog(0, 7), "ends at offset 7"),
        (FakeLog(0, 100, OTHER), "holds other records than were read"),
        (FakeLog(0, 100, MARK, {RESOLVED: "b" * 32}), "holds other records than were read"),
    ],
)
async def test_tables_of_another_log_stop_the_worker(log: FakeLog, why: str) -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST], 2)
    with pytest.raises(LogMismatch, match=why):
        await found(positions, log, FIRST)
    assert await found(positions, FakeLog(0, 42, MARK), FIRST) == {FIRST: 42}


async def test_a_record_which_compaction_took_proves_nothing() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST], 2)
    later = FakeLog(0, 100, RecordMark(60, "fedcba9876543210"))
    assert await found(positions, later, FIRST) == {FIRST: 42}


async def test_a_source_which_went_back_is_read_again(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    positions = await applied(0, 41, metrics)
    for log in (FakeLog(2, 7), FakeLog(2, 100, OTHER), FakeLog(2, 9, None, {"wechat.pay": "b"})):
        assert await positions.checked_offset(log, SOURCE, 42) == 2
    assert await positions.checked_offset(FakeLog(2, 100, MARK), SOURCE, 42) == 42
    assert caplog.text.count("wechat.pay-0 went back: it was read up to offset 41") == 3
    text = metrics.text().decode()
    assert 'shadowpoints_logs_went_back_total{topic="wechat.pay"} 3.0' in text


async def test_what_retention_took_of_a_source_is_said(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    positions = await applied(0, 41, metrics)
    assert await positions.checked_offset(FakeLog(50, 100), SOURCE, 42) == 50
    assert "wechat.pay-0 starts at offset 50, but it was read up to 41 only" in caplog.text
    text = metrics.text().decode()
    assert 'shadowpoints_source_gaps_total{topic="wechat.pay"} 8.0' in text
