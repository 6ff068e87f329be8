from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from faust.types import TP

from stream.rules.loader import load_rules
from stream.runtime.metrics import Metrics
from stream.runtime.positions import LogMismatch, Positions
from stream.runtime.rewarder import Rewarder
from stream.tables import Commit, MemoryTables, Record

RESOLVED = "shadow.resolved"
FIRST, SECOND, SOURCE = TP(RESOLVED, 0), TP(RESOLVED, 1), TP("wechat.pay", 0)


class FakeLog:
    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.start)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.end)


async def nowhere(records: Sequence[Record]) -> None:
    assert not records


async def applied(partition: int, offset: int, metrics: Metrics) -> Positions:
    """Positions of a worker whose predecessor has applied a partition up to an offset."""
    tables = MemoryTables(2)
    claim = (await tables.claim([partition], 1, "predecessor"))[partition]
    await tables.commit([Commit(partition, claim.epoch, -1, offset, 0)])
    rewarder = Rewarder(tables, load_rules(), nowhere, partitions=2, namespace="test", owner="test")
    return Positions(rewarder, RESOLVED, metrics)


async def test_consuming_goes_on_after_what_is_stored() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST, SECOND, SOURCE], 2)

    found = await positions.find(FakeLog(0, 100), [FIRST, SECOND, SOURCE])

    assert found == {FIRST: 42, SECOND: 0}


async def test_what_is_released_or_refused_has_no_position() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST, SECOND], 2)
    positions.release([FIRST, SOURCE])

    assert await positions.find(FakeLog(0, 100), [FIRST, SECOND]) == {SECOND: 0}
    await positions.claim([FIRST], 0)
    assert await positions.find(FakeLog(0, 100), [FIRST]) == {}


async def test_a_log_which_starts_later_is_told_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    positions = await applied(0, 41, metrics)
    await positions.claim([FIRST], 2)

    assert await positions.find(FakeLog(50, 100), [FIRST]) == {FIRST: 50}

    assert "8 records are lost" in caplog.text
    assert "shadowpoints_log_gaps_total 1.0" in metrics.text().decode()


async def test_tables_ahead_of_the_log_stop_the_worker() -> None:
    positions = await applied(0, 41, Metrics())
    await positions.claim([FIRST], 2)

    with pytest.raises(LogMismatch, match="ends at offset 7"):
        await positions.find(FakeLog(0, 7), [FIRST])
    assert await positions.find(FakeLog(0, 42), [FIRST]) == {FIRST: 42}
