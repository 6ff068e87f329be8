# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from stream.report.snapshot import OtherRun, Run, begun, forget
from stream.tables.base import Record
from stream.worker.in_process import LocalEngine
from tests.report.brand import LEDGER, OFFERS, OutputLog, counted

RUN = Run(1_000, "test", 3, LEDGER, OFFERS)


class Interrupted(Exception):
    pass


class BreakingLog(OutputLog):
    """Breaks off at the second partition of the offers topic."""

    async def batches(self, topic: str, partition: int) -> AsyncIterator[Sequence[Record]]:
        if (topic, partition) == (OFFERS, 1):
            raise Interrupted
        async for batch in super().batches(topic, partition):
            yield batch


class OffersOnly(OutputLog):
    """Has nothing but the offers that were not read yet."""

    async def batches(self, topic: str, partition: int) -> AsyncIterator[Sequence[Record]]:
        assert topic == OFFERS
        assert partition >= 1
        async for batch in super().batches(topic, partition):
            yield batch


async def test_a_run_goes_on_with_what_it_has_not_read(brand: LocalEngine, tmp_path: Path) -> None:
    whole = await counted(brand, tmp_path / "whole")
    with pytest.raises(Interrupted):
        await counted(brand, tmp_path / "parts", BreakingLog(brand))

    assert await counted(brand, tmp_path / "parts", OffersOnly(brand)) == whole
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "parts").iterdir()} == {0o600}


def test_it_goes_on_with_the_time_at_which_it_began(tmp_path: Path) -> None:
    directory = tmp_path / "unfinished"
    later = msgspec.structs.replace(RUN, as_of=9_000)
    assert begun(directory, RUN, as_of_given=False) == RUN
    assert begun(directory, later, as_of_given=False) == RUN
    with pytest.raises(OtherRun, match="another time or deployment"):
        begun(directory, later, as_of_given=True)
    with pytest.raises(OtherRun, match="another time or deployment"):
        begun(directory, msgspec.structs.replace(RUN, partitions=4), as_of_given=False)
    forget(directory)
    assert begun(directory, later, as_of_given=False) == later
