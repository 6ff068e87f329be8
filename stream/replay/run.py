# SPDX-License-Identifier: Apache-2.0
"""Run a replay: read all files, apply slot after slot, let time pass, and report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stream.engine.model.calendar import day_of
from stream.engine.model.ruleset import RuleBook
from stream.replay.balances_file import write_all, write_part
from stream.replay.effects import Effects, Window, windows
from stream.replay.event_reader import DayPhase, EventReader, ReadSummary, ReplayPlan
from stream.replay.input_files import blocks
from stream.replay.process_pool import Pool, ProcessPool
from stream.replay.report import Report
from stream.replay.shard import Outbox, Shard
from stream.replay.spill import Chunk, Index, RoutedMessage, SpillFile, pack, read_chunks, unpack

OnDone = Callable[[int], None]
#: Called when a step begins, with its name and size; returns what is called with the amount done.
Watch = Callable[[str, int], OnDone]


class ReplayProcess:
    """The part of one process; arguments and results are sent between processes."""

    def __init__(self, number: int, shards: int, plan: ReplayPlan, directory: Path) -> None:
        self._part = directory / f"balances-{number}"
        self._spill_file = SpillFile(directory / f"messages-{number}")
        self._reader = EventReader(plan, shards, self._spill_file)
        self._plan, self._number, self._shards = plan, number, shards
        self.shard = Shard(plan.book, number, shards)
        self._waiting: dict[int, deque[RoutedMessage]] = {}  # by phase

    def read(self, block: Any) -> None:
        self._reader.read_block(block)

    def finish_reading(self) -> tuple[ReadSummary, Index]:
        return self._reader.summary, self._spill_file.close()

    def begin(self, book: RuleBook) -> None:
        """Judge everything from the beginning, by these rules, and count their effects."""
        plan = self._plan
        assert plan.against is not None
        running: list[Window] = windows(plan.book, plan.against)
        effects = Effects(book, running, weekly=plan.weekly)
        self.shard = Shard(book, self._number, self._shards, effects)

    def load(self, phases: Mapping[int, Sequence[Chunk]]) -> int:
        """Read the messages of a day; return their number."""
        self._waiting = {phase: deque(read_chunks(chunks)) for phase, chunks in phases.items()}
        return sum(map(len, self._waiting.values()))

    def apply(self, phase: int, until: float) -> dict[int, bytes]:
        return _packed(self.shard.apply(_until(self._waiting.get(phase, deque()), until)))

    def receive(self, packed: Sequence[bytes]) -> dict[int, bytes]:
        return _packed(self.shard.apply(routed for data in packed for routed in unpack(data)))

    def end(self, begun: int, as_of: int) -> dict[int, bytes]:
        return _packed(self.shard.end(begun, as_of))

    def report(self, as_of: int, balances: bool) -> tuple[Report, Path]:
        report, lines = self.shard.report(as_of)
        if balances:
            write_part(self._part, lines)
        return report, self._part


def _until(messages: deque[RoutedMessage], until: float) -> Iterator[RoutedMessage]:
    while messages and messages[0].at <= until:
        yield messages.popleft()


def _packed(outbox: Outbox) -> dict[int, bytes]:
    return {shard: pack(messages) for shard, messages in outbox.items()}


def _unwatched(what: str, length: int) -> OnDone:
    return lambda done: None


def replay(
    paths: Sequence[Path],
    plan: ReplayPlan,
    *,
    processes: int,
    balances: Path | None = None,
    watch: Watch = _unwatched,
) -> Report:
    """Replay files; ``balances`` is where to write a line for each account.

    Raises ``OSError`` and ``EOFError`` for files, ``ProcessFailed`` for processes.
    """
    with TemporaryDirectory(prefix="shadowpoints-") as name:
        pool = ProcessPool(processes, ReplayProcess, processes, plan, Path(name))
        try:
            report, parts = run(pool, paths, plan, balances is not None, watch)
            if balances is not None:
                write_all(balances, parts)
        finally:
            pool.close()
    return report


def run(
    pool: Pool, paths: Sequence[Path], plan: ReplayPlan, balances: bool, watch: Watch = _unwatched
) -> tuple[Report, list[Path]]:
    """The same in a pool; returns the parts of the balances file, too."""
    on_read = watch("reading", sum(path.stat().st_size for path in paths))
    for _ in pool.call_any("read", ((block,) for block in blocks(paths, on_read))):
        pass
    read, index = ReadSummary(), list[Index]()
    for one, where in pool.call_all("finish_reading", [()] * pool.size):
        read.add(one)
        index.append(where)
    against = None
    if plan.against is not None:
        pool.call_all("begin", [(plan.against,)] * pool.size)
        against, _ = _judge(pool, plan, read, index, False, watch)
        pool.call_all("begin", [(plan.book,)] * pool.size)
    report, parts = _judge(pool, plan, read, index, balances, watch)
    report.against = against
    return report, parts


def _judge(
    pool: Pool,
    plan: ReplayPlan,
    read: ReadSummary,
    index: Sequence[Index],
    balances: bool,
    watch: Watch,
) -> tuple[Report, list[Path]]:
    """Apply everything that was read, let time pass, and report."""
    _apply(pool, read, index, watch)
    as_of = plan.until if plan.until is not None else read.last or plan.now
    _settle(pool, pool.call_all("end", [(read.first or as_of, as_of)] * pool.size))
    report = Report(as_of, read)
    parts = []
    for one, part in pool.call_all("report", [(as_of, balances)] * pool.size):
        report.add(one)
        parts.append(part)
    return report, parts


def _apply(pool: Pool, read: ReadSummary, indexes: Sequence[Index], watch: Watch) -> None:
    days: dict[int, dict[DayPhase, list[list[Chunk]]]] = {}
    for index in indexes:
        for slot, shards in index.items():
            phases = days.setdefault(slot.day, {})
            mine = phases.setdefault(DayPhase(slot.phase), [[] for _ in range(pool.size)])
            for shard, chunks in shards.items():
                mine[shard] += chunks
    every = (p for phases in days.values() for mine in phases.values() for ps in mine for p in ps)
    on_applied = watch("applying", sum(chunk.messages for chunk in every))
    erasures: dict[int, list[int]] = {}
    for at in sorted(read.erase_requests):
        erasures.setdefault(day_of(at), []).append(at)
    for day, phases in sorted(days.items()):
        on_applied(_apply_day(pool, phases, erasures.get(day, [])))


def _apply_day(
    pool: Pool, phases: Mapping[DayPhase, Sequence[Sequence[Chunk]]], cuts: list[int]
) -> int:
    """Apply a day in sections; each instant of ``cuts`` has an erase request."""
    chunks = [({phase: mine[n] for phase, mine in phases.items()},) for n in range(pool.size)]
    done: int = sum(pool.call_all("load", chunks))
    for cut in (*cuts, inf):
        for phase in sorted(phases):
            _settle(pool, pool.call_all("apply", [(phase, cut)] * pool.size))
    return done


def _settle(pool: Pool, outboxes: list[dict[int, bytes]]) -> None:
    """Exchange messages between shards until none has any left."""
    while any(outboxes):
        packed = [[box[n] for box in outboxes if n in box] for n in range(pool.size)]
        outboxes = pool.call_all("receive", [(some,) for some in packed])
