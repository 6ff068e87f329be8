"""A whole replay: read all files, apply slot after slot, let time pass, report."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stream.engine.calendar import day_of
from stream.replay.balances import write_all, write_part
from stream.replay.intake import Intake, Plan, Read, Stage
from stream.replay.lines import blocks
from stream.replay.report import Report
from stream.replay.share import Outbox, Share
from stream.replay.spool import Index, Piece, Post, Spool, fetch, pack, unpack
from stream.replay.team import Processes, Team

OnDone = Callable[[int], None]
#: Told what begins and how much there is of it; answers whom to tell how much is done.
Watch = Callable[[str, int], OnDone]


class Member:
    """One process's part; what goes in and out travels between processes."""

    def __init__(self, number: int, shares: int, plan: Plan, directory: Path) -> None:
        self._part = directory / f"balances-{number}"
        self._spool = Spool(directory / f"messages-{number}")
        self._intake = Intake(plan, shares, self._spool)
        self.share = Share(plan.book, number, shares)
        self._waiting: dict[int, deque[Post]] = {}  # by stage

    def read(self, block: Any) -> None:
        self._intake.take(block)

    def finish_reading(self) -> tuple[Read, Index]:
        return self._intake.read, self._spool.close()

    def load(self, stages: Mapping[int, Sequence[Piece]]) -> int:
        """Fetch the messages of a day; answers how many there are."""
        self._waiting = {stage: deque(fetch(pieces)) for stage, pieces in stages.items()}
        return sum(map(len, self._waiting.values()))

    def apply(self, stage: int, until: float) -> dict[int, bytes]:
        return _packed(self.share.apply(_until(self._waiting.get(stage, deque()), until)))

    def receive(self, letters: Sequence[bytes]) -> dict[int, bytes]:
        return _packed(self.share.apply(post for data in letters for post in unpack(data)))

    def end(self, begun: int, as_of: int) -> dict[int, bytes]:
        return _packed(self.share.end(begun, as_of))

    def report(self, as_of: int, balances: bool) -> tuple[Report, Path]:
        report, lines = self.share.report(as_of)
        if balances:
            write_part(self._part, lines)
        return report, self._part


def _until(posts: deque[Post], until: float) -> Iterator[Post]:
    while posts and posts[0].at <= until:
        yield posts.popleft()


def _packed(outbox: Outbox) -> dict[int, bytes]:
    return {share: pack(posts) for share, posts in outbox.items()}


def _unwatched(what: str, length: int) -> OnDone:
    return lambda done: None


def replay(
    paths: Sequence[Path],
    plan: Plan,
    *,
    processes: int,
    balances: Path | None = None,
    watch: Watch = _unwatched,
) -> Report:
    """Replay files; ``balances`` is where to write a line for each account.

    Raises ``OSError`` and ``EOFError`` for files, ``MemberFailed`` for processes.
    """
    with TemporaryDirectory(prefix="shadowpoints-") as name:
        team = Processes(processes, Member, processes, plan, Path(name))
        try:
            report, parts = run(team, paths, plan, balances is not None, watch)
            if balances is not None:
                write_all(balances, parts)
        finally:
            team.close()
    return report


def run(
    team: Team, paths: Sequence[Path], plan: Plan, balances: bool, watch: Watch = _unwatched
) -> tuple[Report, list[Path]]:
    """The same with a team; answers where the parts of the balances are."""
    on_read = watch("reading", sum(path.stat().st_size for path in paths))
    for _ in team.any("read", ((block,) for block in blocks(paths, on_read))):
        pass
    read, index = Read(), list[Index]()
    for one, where in team.each("finish_reading", [()] * team.size):
        read.add(one)
        index.append(where)
    _apply(team, read, index, watch)
    as_of = plan.until if plan.until is not None else read.last or plan.now
    _settle(team, team.each("end", [(read.first or as_of, as_of)] * team.size))
    report = Report(as_of, read)
    parts = []
    for one, part in team.each("report", [(as_of, balances)] * team.size):
        report.add(one)
        parts.append(part)
    return report, parts


def _apply(team: Team, read: Read, indexes: Sequence[Index], watch: Watch) -> None:
    days: dict[int, dict[Stage, list[list[Piece]]]] = {}
    for index in indexes:
        for slot, shares in index.items():
            stages = days.setdefault(slot.day, {})
            mine = stages.setdefault(Stage(slot.stage), [[] for _ in range(team.size)])
            for share, pieces in shares.items():
                mine[share] += pieces
    every = (p for stages in days.values() for mine in stages.values() for ps in mine for p in ps)
    on_applied = watch("applying", sum(piece.posts for piece in every))
    requests: dict[int, list[int]] = {}
    for at in sorted(read.requests):
        requests.setdefault(day_of(at), []).append(at)
    for day, stages in sorted(days.items()):
        on_applied(_live(team, stages, requests.get(day, [])))


def _live(team: Team, stages: Mapping[Stage, Sequence[Sequence[Piece]]], cuts: list[int]) -> int:
    """Apply a day. Each instant of ``cuts`` has a request to forget what was until then."""
    pieces = [({stage: mine[n] for stage, mine in stages.items()},) for n in range(team.size)]
    done: int = sum(team.each("load", pieces))
    for cut in (*cuts, inf):
        for stage in sorted(stages):
            _settle(team, team.each("apply", [(stage, cut)] * team.size))
    return done


def _settle(team: Team, outboxes: list[dict[int, bytes]]) -> None:
    """Pass on what they have for one another until they have nothing."""
    while any(outboxes):
        letters = [[box[n] for box in outboxes if n in box] for n in range(team.size)]
        outboxes = team.each("receive", [(some,) for some in letters])
