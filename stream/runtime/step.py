"""One partition's next commit while it is being made: entities, outputs and counts of a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas import Reason
from stream.engine.codec import dump_entity, load_entity
from stream.engine.decide import decide
from stream.engine.decision import Decision, Entity, Publish, Send
from stream.engine.messages import Message
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import RuleBook
from stream.engine.state import Erased
from stream.runtime.dead_letters import FOREIGN, Stage, dead_letter, describe_failure
from stream.runtime.pseudonyms import Pseudonyms, may_be_erased
from stream.runtime.records import event_record, message_record
from stream.runtime.segments import Letter, Segment
from stream.runtime.topics import TopicNames
from stream.tables.base import Claim, Commit, Record, Write


class EngineFailed(Exception):
    """The core failed on a record; the message has coordinates only. The worker must not go on."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all steps share."""

    book: RuleBook
    names: TopicNames
    pseudonyms: Pseudonyms
    source: str  # ce_source of what is emitted


@dataclass(slots=True)
class Owned:
    """A partition in this worker's hands."""

    partition: int
    epoch: int
    generation: int
    applied_offset: int
    clock_ms: int
    published_before: int  # pending outputs with a lower number have reached Kafka
    trimmed_before: int  # and those are dropped from the tables

    @classmethod
    def of(cls, partition: int, generation: int, claim: Claim) -> Owned:
        """A claimed partition, its pending output published."""
        published = claim.pending_from + len(claim.pending)
        return cls(
            partition,
            claim.epoch,
            generation,
            claim.applied_offset,
            claim.clock_ms,
            published,
            claim.pending_from,
        )


@dataclass(slots=True)
class Step:
    """Decides a segment. An entity is decoded once, changed by each message, encoded once."""

    frame: Frame
    owned: Owned
    segment: Segment
    stored: Mapping[str, bytes]
    clock_ms: int = 0
    entities: dict[str, Entity | None] = field(default_factory=dict)
    changed: dict[str, Decision] = field(default_factory=dict)
    outputs: list[Record] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def decide(self, due: list[str]) -> Commit:
        """The commit which a segment becomes; ``due`` are the keys which a tick is for."""
        self.clock_ms = self.owned.clock_ms
        for letter in self.segment.letters:
            self.clock_ms = max(self.clock_ms, letter.record.timestamp)
            if letter.message is None:
                self._dead(letter)
                continue
            for key in [letter.key] if self.segment.tick is None else due:
                self._apply(key, letter.message, letter)
        return Commit(
            partition=self.owned.partition,
            epoch=self.owned.epoch,
            expected_offset=self.owned.applied_offset,
            applied_offset=self.segment.last_offset,
            clock_ms=self.clock_ms,
            writes={key: self._write(key) for key in self.changed},
            outputs=self.outputs,
            published_before=self.owned.published_before,
            counts=self.counts,
        )

    def _apply(self, key: str, message: Message, letter: Letter) -> None:
        try:
            state = self._entity(key)
            erased = self._erased(key) if state is None else None
            decision = decide(key, state, message, self.frame.book, self.clock_ms, erased)
            # Unchanged means that there may be none, though the core answered as a new one.
            self.entities[key] = decision.state if decision.changed else state
            if decision.changed:
                self.changed[key] = decision
            for output in decision.outputs:
                self.outputs.append(self._record(output))
        except Exception as error:
            # From None: the original's text may name a person.
            raise EngineFailed(self._where(letter, error)) from None
        for outcome, increment in decision.counts.items():
            self._count(outcome, increment)

    def _entity(self, key: str) -> Entity | None:
        if key in self.entities:
            return self.entities[key]
        value = self.stored.get(key)
        return None if value is None else load_entity(key, value)

    def _erased(self, key: str) -> Erased | None:
        """What must not come back of somebody of whom nothing is stored."""
        if not may_be_erased(key):
            return None
        entity = self._entity(self.frame.pseudonyms.of(key))
        return entity if isinstance(entity, Erased) else None

    def _write(self, key: str) -> Write:
        state, decision = self.entities[key], self.changed[key]
        if state is None:
            return Write(None)
        return Write(dump_entity(state), decision.due, decision.ttl_s)

    def _record(self, output: Send | Publish) -> Record:
        if isinstance(output, Send):
            return message_record(output, self.frame.names, self.frame.pseudonyms)
        frame = self.frame
        return event_record(output, frame.names, frame.source, frame.pseudonyms.partitions)

    def _count(self, outcome: Outcome, increment: int) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + increment

    def _dead(self, letter: Letter) -> None:
        self._count(Outcome.DEAD, 1)
        self.outputs.append(
            dead_letter(
                self.frame.names,
                topic=self.frame.names.resolved,
                partition=self.owned.partition,
                record=letter.record,
                stage=Stage.REWARD,
                reason=Reason.INTERNAL,
                message=FOREIGN,
            )
        )

    def _where(self, letter: Letter, error: Exception) -> str:
        return (
            f"{self.frame.names.resolved}-{self.owned.partition} offset {letter.record.offset} "
            f"cannot be applied: {describe_failure(error)}"
        )
