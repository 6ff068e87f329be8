# SPDX-License-Identifier: Apache-2.0
"""Stories: what happens, and below each line what the engine says, all of it and nothing else.

::

    2026-03-02 08:10  Mei@mp pays 12.00 for t1
      > Mei@mp accrual +12 spend@1, balance 12

Times are Shanghai's. Lines arrive in the order in which they are written, at their own time or at
the one in ``[arrives 2026-03-05 09:00]``. ``[again]`` publishes the same business event with a
new CloudEvents id, as a retry does. ``2026-03-02..2026-03-15 08:10`` is once a day, ``*`` counts.
What follows from a line that begins with ``given`` is taken for granted.

``> counts`` is written where a line's records do not all end as ``applied``, ``> dead letter``
where one cannot be used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from functools import partial

import pytest

from schemas import Event
from stream.engine.model.calendar import DAY_MS
from stream.engine.model.ruleset import RuleBook
from tests.scenarios.brand import DIRECTORY, rules
from tests.scenarios.notation import at, clock, read, written
from tests.support.world import World

_LINE = re.compile(
    r"(?P<given>given )?(?P<day>[\d-]{10})(?:\.\.(?P<last>[\d-]{10}))? (?P<time>[\d:]{5})"
    r" (?P<what>.+?)(?P<again> \[again\])?(?: \[arrives (?P<arrives>[^\]]+)\])?"
)


@dataclass(frozen=True)
class _Happening:
    """One line of a story: its events, each with the time at which it arrives (ms)."""

    events: list[tuple[Event | None, int]]
    given: bool


def play(transcript: str, book: RuleBook | None = None) -> World:
    """Play a story by a rule book (the brand's own, unless another is given).

    Fails the test with the difference if the engine answers otherwise than is written.
    """
    lines = [" ".join(line.split()) for line in transcript.strip().splitlines() if line.strip()]
    world = World(book or rules(), DIRECTORY, partitions=1, stale=False)
    played: list[str] = []
    records = 0
    for line in lines:
        if line.startswith(">"):
            continue
        played.append(line)
        happening = _read(line)
        records += sum(event is not None for event, _ in happening.events)
        answer = list(_answers(world, happening))
        played += [] if happening.given else [f"> {words}" for words in answer]
    if played != lines:
        difference = [line for line in ndiff(lines, played) if not line.startswith("?")]
        pytest.fail("\n".join(difference), pytrace=False)
    assert sum(world.counts.values()) + len(world.dead) == records
    return world


def by(book: RuleBook) -> Callable[[str], World]:
    """:func:`play` by this rule book."""
    return partial(play, book=book)


def _read(line: str) -> _Happening:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"no line of a story: {line}")
    first = at(f"{match['day']} {match['time']}")
    last = at(f"{match['last']} {match['time']}") if match["last"] else first
    events = []
    for number, time in enumerate(range(first, last + 1, DAY_MS), 1):
        id_ = f"again-{number}" if match["again"] else ""
        event = read(match["what"].replace("*", str(number)), time, id_=id_)
        events.append((event, at(match["arrives"]) if match["arrives"] else time))
    return _Happening(events, bool(match["given"]))


def _answers(world: World, happening: _Happening) -> Iterator[str]:
    seen, dead, counts = len(world.published), len(world.dead), Counter(world.counts)
    for event, arrives in happening.events:
        world.advance(arrives)
        if event is not None:
            world.publish(event, arrives)
        world.settle()
    usual = happening.events[0][1] if len(happening.events) == 1 else None
    for output in world.published[seen:]:
        when = "" if output.time == usual else f"at {clock(output.time)} "
        yield when + written(output)
    for rejected in world.dead[dead:]:
        yield f"dead letter: {rejected.reason}"
    change = Counter(world.counts)
    change.subtract(counts)
    yield from _counted(change, sum(event is not None for event, _ in happening.events))


def _counted(change: Counter[str], records: int) -> Iterator[str]:
    numbers = {str(outcome): n for outcome, n in sorted(change.items()) if n}
    if numbers and numbers != {"applied": records}:
        yield "counts: " + ", ".join(f"{outcome} {n:+}" for outcome, n in numbers.items())
