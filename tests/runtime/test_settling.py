"""Waiting for workers which are real, behind, or not there."""

from __future__ import annotations

import pytest

from stream.engine.codec import dump_entity
from stream.engine.state import Erased
from stream.runtime.erasures import Erasures
from stream.runtime.pseudonyms import Pseudonyms
from stream.runtime.settling import Workers, WorkersBehind, until_erased
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


async def test_an_empty_log_is_applied() -> None:
    log = Log(0)
    worker = Worker(log)
    workers = Workers(worker.tables, log, TOPIC, sleep=worker.step)
    assert await workers.settled() == {0: -1}


async def test_it_waits_for_what_a_message_leads_to() -> None:
    log = Log(3)
    worker = Worker(log, leads_to=5)
    workers = Workers(worker.tables, log, TOPIC, sleep=worker.step)
    assert await workers.settled() == {0: 7}


async def test_where_events_never_cease_it_does_not_wait_for_ever() -> None:
    log = Log(1)
    worker = Worker(log, leads_to=1_000_000)
    workers = Workers(worker.tables, log, TOPIC, sleep=worker.step)
    applied = await workers.settled()
    assert 5 < applied[0] < 100


async def test_workers_which_do_not_work_are_told_of() -> None:
    async def nothing(seconds: float) -> None:
        pass

    workers = Workers(MemoryTables(1), Log(1_234), TOPIC, patience_s=3, sleep=nothing)
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

    erasures = Erasures(tables, pseudonyms)
    await until_erased(erasures, PERSON, 30, sleep=wait)
    assert waits == 3
    with pytest.raises(WorkersBehind, match="have not applied the request within 2 s"):
        await until_erased(erasures, PERSON, 10**9, patience_s=2, sleep=wait)
