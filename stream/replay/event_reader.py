# SPDX-License-Identifier: Apache-2.0
"""Read exported lines and turn them into engine messages, sorted by day and by shard.

Bindings are not looked up: every event goes to its origin, which forwards it. A worker does the
same when it does not know of a bind yet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from zlib import crc32

from schemas import Event, Reason, Refused, decode
from stream.addressing.topics import SOURCES, TopicNames
from stream.engine.intake.event_to_messages import route
from stream.engine.model.calendar import day_of
from stream.engine.model.directory import Directory
from stream.engine.model.facts import Fact
from stream.engine.model.messages import FactReceived, Message, RefundReported, Refuse
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Origin
from stream.engine.model.time_checks import Rejected
from stream.engine.points.account_messages import ERASE_REQUESTED
from stream.process.failures import describe_failure
from stream.replay.input_files import LINE_BYTES_MAX, Block, LinePosition, read_line
from stream.replay.spill import RoutedMessage, SpillFile, TimeSlot

#: So many unreadable lines are kept as examples.
EXAMPLES_MAX: Final = 5
#: So many topics that hold no events are named.
FOREIGN_MAX: Final = 20


class DayPhase(IntEnum):
    """The parts of a day. One phase ends, with all its messages, before the next one begins.

    So a reversal finds the fact that it takes back, however many messages that took. An erase
    request finds everything that came before it, and nothing that came after it.
    """

    FACTS = 0
    REVERSALS = 1
    ERASURES = 2


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The inputs of a replay other than the events; times in ms.

    Events that came after ``until`` are left out. An event later than ``now`` is in the future.
    ``against`` has other rules, and the same days, that the same events are judged by in a second
    pass, to compare both.
    """

    book: RuleBook
    directory: Directory
    topics: TopicNames
    now: int
    until: int | None = None
    against: RuleBook | None = None
    weekly: bool = False  # compare by week instead of by day


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that a worker would make a dead letter; ``message`` repeats no values."""

    position: LinePosition
    reason: Reason
    message: str


@dataclass(slots=True)
class ReadSummary:
    """Counts of what was read; ``first`` and ``last`` (ms) are when events came.

    ``happened`` (ms) is when the latest of them had happened.
    """

    events: int = 0
    left_out: int = 0  # later than ``until``
    refused: int = 0
    first: int | None = None
    last: int | None = None
    happened: int | None = None
    unreadable_reasons: Counter[str] = field(default_factory=Counter)  # reason -> lines
    examples: list[Unreadable] = field(default_factory=list)
    erase_requests: set[int] = field(default_factory=set)  # ms, times of erase requests
    foreign: Counter[str] = field(default_factory=Counter)  # topic without events -> lines

    def add(self, other: ReadSummary) -> None:
        self.events += other.events
        self.left_out += other.left_out
        self.refused += other.refused
        if other.first is not None and other.last is not None:
            self.include_time(other.first)
            self.include_time(other.last)
        self.unreadable_reasons += other.unreadable_reasons
        self.erase_requests |= other.erase_requests
        self.foreign += other.foreign
        self.note_happened(other.happened)
        for unreadable in other.examples:
            self.add_example(unreadable)

    def include_time(self, at: int) -> None:
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at

    def note_happened(self, at: int | None) -> None:
        if at is not None and (self.happened is None or at > self.happened):
            self.happened = at

    def note_foreign(self, topic: str) -> None:
        """Count a line of a topic that no events come on; only some topics are named."""
        if topic in self.foreign or len(self.foreign) < FOREIGN_MAX:
            self.foreign[topic] += 1

    def add_example(self, unreadable: Unreadable) -> None:
        """Keep the first few, by their position in the input."""
        self.examples.append(unreadable)
        self.examples.sort(key=lambda u: (u.position.file, u.position.line))
        del self.examples[EXAMPLES_MAX:]


def shard_of(key: str, shards: int) -> int:
    """The shard that owns an entity."""
    return crc32(key.encode()) % shards


def phase_of(message: Message) -> DayPhase:
    """The phase of its day in which a message is applied."""
    match message:
        case FactReceived(fact=Fact(type=type_)) if type_ == ERASE_REQUESTED:
            return DayPhase.ERASURES
        case RefundReported() | FactReceived(fact=Fact(reversal=True)):
            return DayPhase.REVERSALS
        case _:
            return DayPhase.FACTS


def _no_origin(key: str) -> Origin | None:
    return None


class EventReader:
    """Reads blocks of lines, and writes their messages to a spill file."""

    def __init__(self, plan: ReplayPlan, shards: int, spill_file: SpillFile) -> None:
        self.summary = ReadSummary()
        self._plan, self._shards, self._spill_file = plan, shards, spill_file

    def read_block(self, block: Block) -> None:
        """Read all lines; blank ones are not counted."""
        line = block.at.line - 1
        for data in block.data.split(b"\n"):
            line += 1
            if data and not data.isspace():
                self._read_line(data, LinePosition(block.at.file, line))

    def _read_line(self, data: bytes, position: LinePosition) -> None:
        self.summary.events += 1
        topic = ""
        try:
            if len(data) > LINE_BYTES_MAX:
                raise Refused(Reason.TOO_LARGE, "The line is longer than any event may be.")
            source = read_line(data)
            topic = self._plan.topics.plain(source.topic)
            event = decode(source.value, source.headers, topic)
            rejected = self._route(event, source.timestamp)
        except Refused as refused:
            rejected = Rejected(refused.reason, refused.message)
        except Exception as error:  # as in a worker: one record never stops the others
            rejected = Rejected(Reason.INTERNAL, describe_failure(error))
        if rejected is not None:
            self.summary.unreadable_reasons[rejected.reason.value] += 1
            if topic and topic not in SOURCES:
                self.summary.note_foreign(topic)
            self.summary.add_example(Unreadable(position, rejected.reason, rejected.message))

    def _route(self, event: Event, timestamp: int | None) -> Rejected | None:
        """Write an event's messages. Without a record timestamp, it came when it happened."""
        plan, summary = self._plan, self.summary
        at, now = event.time_ms, plan.now
        if timestamp is not None:
            at = now = min(timestamp, now)
        if plan.until is not None and at > plan.until:
            summary.left_out += 1
            return None
        routed = route(event, _no_origin, plan.directory, plan.book.horizons, at, now)
        if isinstance(routed, Rejected):
            return routed
        summary.include_time(at)
        summary.note_happened(event.time_ms)
        for send in routed:
            to, message = send.to, send.message
            if isinstance(message, Refuse):
                summary.refused += 1
                continue
            phase = phase_of(message)
            if phase is DayPhase.ERASURES:
                summary.erase_requests.add(at)
            slot = TimeSlot(day_of(at), phase)
            self._spill_file.add(slot, shard_of(to, self._shards), RoutedMessage(at, to, message))
        return None
