"""Reading: lines become messages of the core, each for a slot of time and for a process.

The origin's binding is not looked up: every event goes to its origin, which sends it on, as it does
in a worker for whoever has not heard of a bind yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from zlib import crc32

from schemas import Event, Reason, Refused, decode
from stream.engine.account import ERASE_REQUESTED
from stream.engine.calendar import day_of
from stream.engine.directory import Directory
from stream.engine.facts import Fact
from stream.engine.messages import Arrived, Message, Refunded, Refuse
from stream.engine.routing import Rejected, route
from stream.engine.ruleset import RuleBook
from stream.engine.state import Origin
from stream.replay.lines import LINE_BYTES_MAX, Block, Place, read_line
from stream.replay.spool import Post, Slot, Spool
from stream.runtime.dead_letters import describe_failure
from stream.runtime.topics import TopicNames

#: So many of the unreadable lines are named.
NAMED_MAX: Final = 5


class Stage(IntEnum):
    """What is applied together. Between two stages everything comes to rest.

    What is taken back is known by then, however long its way is, and is seen as clawed back. A
    request to be forgotten finds all that came before it, and nothing that came after it.
    """

    HAPPEN = 0
    TAKE_BACK = 1
    FORGET = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay goes by, times in ms.

    What came after ``until`` is left out; nothing can have happened after ``now``.
    """

    book: RuleBook
    directory: Directory
    topics: TopicNames
    now: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line which no worker could take either; ``message`` says what is wrong, without values."""

    place: Place
    reason: Reason
    message: str


@dataclass(slots=True)
class Read:
    """What was read. ``last`` (ms): when the latest event came."""

    events: int = 0
    left_out: int = 0  # later than ``until``
    refused: int = 0
    first: int | None = None
    last: int | None = None
    dead: Counter[str] = field(default_factory=Counter)  # reason -> lines
    named: list[Unreadable] = field(default_factory=list)
    requests: set[int] = field(default_factory=set)  # ms; when somebody asked to be forgotten

    def add(self, other: Read) -> None:
        self.events += other.events
        self.left_out += other.left_out
        self.refused += other.refused
        if other.first is not None and other.last is not None:
            self.came(other.first)
            self.came(other.last)
        self.dead += other.dead
        self.requests |= other.requests
        for unreadable in other.named:
            self.name(unreadable)

    def came(self, at: int) -> None:
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at

    def name(self, unreadable: Unreadable) -> None:
        """Keep the first few, by their place in the input."""
        self.named.append(unreadable)
        self.named.sort(key=lambda u: (u.place.file, u.place.line))
        del self.named[NAMED_MAX:]


def share_of(key: str, shares: int) -> int:
    """Which process has an entity."""
    return crc32(key.encode()) % shares


def stage_of(message: Message) -> Stage:
    """In which stage of its day a message is applied."""
    match message:
        case Arrived(fact=Fact(type=type_)) if type_ == ERASE_REQUESTED:
            return Stage.FORGET
        case Refunded() | Arrived(fact=Fact(reversal=True)):
            return Stage.TAKE_BACK
        case _:
            return Stage.HAPPEN


def _unknown(key: str) -> Origin | None:
    return None


class Intake:
    """Reads blocks into a spool."""

    def __init__(self, plan: Plan, shares: int, spool: Spool) -> None:
        self.read = Read()
        self._plan, self._shares, self._spool = plan, shares, spool

    def take(self, block: Block) -> None:
        """Read all lines; blank ones do not count."""
        line = block.at.line - 1
        for data in block.data.split(b"\n"):
            line += 1
            if data and not data.isspace():
                self._take(data, Place(block.at.file, line))

    def _take(self, data: bytes, place: Place) -> None:
        self.read.events += 1
        try:
            if len(data) > LINE_BYTES_MAX:
                raise Refused(Reason.TOO_LARGE, "The line is longer than any event.")
            source = read_line(data)
            event = decode(source.value, source.headers, self._plan.topics.plain(source.topic))
            rejected = self._route(event, source.timestamp)
        except Refused as refused:
            rejected = Rejected(refused.reason, refused.message)
        except Exception as error:  # as in a worker, one record never stops the rest
            rejected = Rejected(Reason.INTERNAL, describe_failure(error))
        if rejected is not None:
            self.read.dead[rejected.reason.value] += 1
            self.read.name(Unreadable(place, rejected.reason, rejected.message))

    def _route(self, event: Event, timestamp: int | None) -> Rejected | None:
        """Spool what an event becomes. Without the time at which it came, it came at once."""
        plan, read = self._plan, self.read
        at, now = event.time_ms, plan.now
        if timestamp is not None:
            at = now = min(timestamp, now)
        if plan.until is not None and at > plan.until:
            read.left_out += 1
            return None
        routed = route(event, _unknown, plan.directory, plan.book, at, now)
        if isinstance(routed, Rejected):
            return routed
        read.came(at)
        for send in routed:
            to, message = send.to, send.message
            if isinstance(message, Refuse):
                read.refused += 1
                continue
            stage = stage_of(message)
            if stage is Stage.FORGET:
                read.requests.add(at)
            slot = Slot(day_of(at), stage)
            self._spool.add(slot, share_of(to, self._shares), Post(at, to, message))
        return None
