# SPDX-License-Identifier: Apache-2.0
"""Waiting for workers which are real, behind, or not there."""

from __future__ import annotations

import pytest

from stream.addressing.pseudonyms import Pseudonyms
from stream.engine.model.state import Erased
from stream.engine.storage.codec import dump_entity
from stream.lookup.entity_reader import PeopleReader
from stream.lookup.reward_progress import RewardProgress, WorkersBehind, until_erased
from stream.tables.base import Commit, Write
from stream.tables.memory import MemoryTables

TOPIC = "shadow.resolved"
PERSON = "union.brand.uMei"


class Log:
    """A log of one partition which grows by what its reader does."""

    def __init__(self, end: int) -> None:
        self.end = end

    async def ends_now(self, topic: str) -> dict[int, int]:
        assert topic == TOPIC
        return {0: self.end}


class Worker:
    """Applies one record each time somebody waits; ``leads_to`` how many more."""

    def __init__(self, log: Log, leads_to: int = 0) -> None:
        self.tables = MemoryTables(1)
        self._log, self._leads_to, self._applied, self._epoch = log, leads_to, -1, 0

    async def step(self, seconds: float) -> None:
        if not self._epoch:
            self._epoch = (await self.tables.claim([0], 1, "w"))[0].epoch
        if self._applied + 1 < self._log.end:
            self._applied += 1
            await self.commit(Commit(0, self._epoch, self._applied - 1, self._applied, 0))
            if self._leads_to:
                self._leads_to, self._log.end = self._leads_to - 1, self._log.end + 1

    async def commit(self, commit: Commit) -> None:
        await self.tables.commit([commit])


@pytest.mark.parametrize(
    ("end", "leads_to", "applied"),
    [(0, 0, {-1}), (3, 5, {7}), (1, 1_000_000, set(range(6, 100)))],
    ids=["an empty log", "what a message leads to", "not for ever where events never cease"],
)
async def test_it_waits_until_all_is_applied(end: int, leads_to: int, applied: set[int]) -> None:
    log = Log(end)
    worker = Worker(log, leads_to)
    workers = RewardProgress(worker.tables, log, TOPIC, sleep=worker.step)
    assert (await workers.settled())[0] in applied


async def test_workers_which_do_not_work_are_reported() -> None:
    async def nothing(seconds: float) -> None:
        pass

    workers = RewardProgress(MemoryTables(1), Log(1_234), TOPIC, patience_s=3, sleep=nothing)
    with pytest.raises(WorkersBehind, match="1,234 records behind the end that shadow"):
        await workers.settled()


async def test_a_request_is_waited_for_until_it_is_applied() -> None:
    tables, pseudonyms = MemoryTables(1), Pseudonyms(b"secret", 1)
    (claim,) = (await tables.claim([0], 1, "w")).values()
    waits = 0

    async def wait(seconds: float) -> None:
        nonlocal waits
        waits += 1
        mark = Write(dump_entity(Erased(at=waits * 10)))
        writes = {pseudonyms.of(PERSON): mark}
        await tables.commit([Commit(0, claim.epoch, waits - 2, waits - 1, 0, writes)])

    people = PeopleReader(tables, pseudonyms)
    await until_erased(people, PERSON, 30, sleep=wait)
    assert waits == 3
    with pytest.raises(WorkersBehind, match="have not applied the request within 2 s"):
        await until_erased(people, PERSON, 10**9, patience_s=2, sleep=wait)
