# SPDX-License-Identifier: Apache-2.0
"""Apply one commit unit to a partition's entities, and build the commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas import Reason
from stream.addressing.pseudonyms import Pseudonyms, may_be_erased
from stream.addressing.topics import TopicNames
from stream.engine.decide import decide
from stream.engine.model.budgets import GRANTED_NOTE, dump_granted, granted_by, read_granted
from stream.engine.model.decision import Decision, Entity, Publish, Send
from stream.engine.model.messages import CampaignEnded, Message
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruling import RULES_NOTE, Rules, dump_rules, end, read_rules, rule
from stream.engine.model.state import Erased
from stream.engine.storage.codec import dump_pieces, load_entity
from stream.kafka.dead_letters import FOREIGN, Stage, dead_letter, oversized_output
from stream.kafka.encode import bytes_of, event_record, message_record, sequence_of
from stream.kafka.record_batches import InputRecord
from stream.kafka.record_marks import RecordMark, text_of
from stream.kafka.unreadable_records import UnreadableRecords, is_record
from stream.process.failures import describe_failure
from stream.tables.base import Claim, Commit, Record, Write
from stream.tables.pieces import numbers_of, stored
from stream.worker.commit_units import CommitUnit, Envelope, RulesMessage

#: Envelopes to light accounts which one commit takes in: some 0.1 s of work.
STEP_COST_MAX: Final = 1000
#: Entities that one tick wakes for a coming version of the rules.
STEP_WAKES_MAX: Final = 5000
#: Name of the note that says when to wake the other entities (ms, or 0).
WAKING_NOTE: Final = "waking"
#: What each page of a heavy account adds to the cost of an envelope to it.
PAGE_COST: Final = 2


class EngineFailed(Exception):
    """The core failed on a record; the message only says which. The worker must not go on."""


def reason_of(record: InputRecord) -> Reason:
    """Why a record without a message is a dead letter."""
    return Reason.UNREADABLE if isinstance(record, UnreadableRecords) else Reason.INTERNAL


@dataclass(frozen=True, slots=True)
class StepContext:
    """Settings that all steps share."""

    names: TopicNames
    pseudonyms: Pseudonyms
    source: str  # ce_source of the outputs


@dataclass(slots=True)
class PartitionLease:
    """A partition that this worker owns, and how far it has come in it."""

    partition: int
    epoch: int
    generation: int
    applied_offset: int
    clock_ms: int
    published_before: int  # pending outputs with a lower number have reached Kafka
    trimmed_before: int  # and those are dropped from the tables
    queued_offset: int  # the last record that waits or was applied
    mark: RecordMark | None = None  # of the last applied record
    log: str = ""  # id of the topic that is applied
    queue: deque[CommitUnit] = field(default_factory=deque)  # waiting units, in order
    rules: Rules | None = None  # None: none in the log so far
    waking_ms: int | None = None  # entities due later are woken then
    granted: dict[str, int] = field(default_factory=dict)  # by campaigns with a budget

    @classmethod
    def of(cls, partition: int, generation: int, claim: Claim) -> PartitionLease:
        """A claimed partition, its pending output published."""
        published = claim.pending_from + len(claim.pending)
        lease = cls(
            partition,
            claim.epoch,
            generation,
            claim.applied_offset,
            claim.clock_ms,
            published,
            claim.pending_from,
            claim.applied_offset,
            RecordMark.parse(claim.mark),
        )
        lease.learn(claim.notes)
        return lease

    def learn(self, notes: Mapping[str, bytes]) -> None:
        """Read the notes of the partition."""
        if RULES_NOTE in notes:
            self.rules = read_rules(notes[RULES_NOTE])
        if WAKING_NOTE in notes:
            self.waking_ms = int(notes[WAKING_NOTE]) or None
        if GRANTED_NOTE in notes:
            self.granted = read_granted(notes[GRANTED_NOTE])


@dataclass(slots=True)
class PartitionStep:
    """Decides a unit, or as much of it as one commit should hold.

    An entity is decoded once, changed by each message, encoded once.
    """

    context: StepContext
    lease: PartitionLease
    unit: CommitUnit
    stored: Mapping[str, bytes]
    clock_ms: int = 0
    entities: dict[str, Entity | None] = field(default_factory=dict)
    changed: dict[str, Decision] = field(default_factory=dict)
    outputs: list[Record] = field(default_factory=list)
    first_output: int = 0  # of the record which is applied, in ``outputs``
    counts: dict[str, int] = field(default_factory=dict)
    rest: list[Envelope] = field(default_factory=list)  # for the next commit
    oversized: int = 0  # outputs that are too large for their topics
    rules: Rules | None = None
    waking_ms: int | None = None
    granted: dict[str, int] = field(default_factory=dict)  # by campaigns with a budget
    notes: dict[str, bytes] = field(default_factory=dict)

    def decide(self, due: list[str], later: list[str]) -> Commit:
        """Build the commit of a unit.

        ``due`` are the keys to tick, ``later`` the keys to wake.
        """
        self.clock_ms, self.rules = self.lease.clock_ms, self.lease.rules
        self.waking_ms = self.lease.waking_ms
        self.granted = dict(self.lease.granted)
        last_offset, last, cost = self.unit.last_offset, self.unit.last, 0
        for number, envelope in enumerate(self.unit.envelopes):
            if cost >= STEP_COST_MAX:
                self.rest = self.unit.envelopes[number:]
                last = self.unit.envelopes[number - 1].record
                last_offset = last.offset
                break
            cost += 1 + PAGE_COST * len(numbers_of(self.stored.get(envelope.key)))
            self.clock_ms = max(self.clock_ms, envelope.record.timestamp)
            if envelope.message is None:
                self._dead(envelope)
                continue
            if isinstance(envelope.message, RulesMessage):
                self._rule(envelope.message, envelope)
                continue
            self.first_output = len(self.outputs)
            for key in [envelope.key] if self.unit.tick is None else due:
                self._apply(key, envelope.message, envelope)
        return Commit(
            partition=self.lease.partition,
            epoch=self.lease.epoch,
            expected_offset=self.lease.applied_offset,
            applied_offset=last_offset,
            clock_ms=self.clock_ms,
            writes={key: self._written(key) for key in self.changed},
            outputs=self.outputs,
            published_before=self.lease.published_before,
            counts=self.counts,
            mark=text_of(
                RecordMark.of(last, self.lease.log) if last and is_record(last) else self.lease.mark
            ),
            notes=self.notes,
            wakes=self._wakes(later),
        )

    def _rule(self, message: RulesMessage, envelope: Envelope) -> None:
        if isinstance(message, CampaignEnded):
            if self.rules and (rules := end(self.rules, message, self.clock_ms)):
                self._note(rules)  # nobody is woken: nothing that was counted changes
            return
        try:
            rules = rule(self.rules, message, self.clock_ms)
        except Exception as error:
            raise EngineFailed(self._where(envelope, error)) from None
        if rules is None:
            return
        if self.rules is not None:  # else there are no entities yet
            # An entity that is woken now, or still for a version that has started, learns of the
            # next version then.
            if rules.book.idle_days != self.rules.book.idle_days:
                self.waking_ms = min(self.waking_ms or self.clock_ms, self.clock_ms)
            elif self.waking_ms is None or self.waking_ms > self.clock_ms:
                self.waking_ms = rules.book.next_change(self.clock_ms)
            self.notes[WAKING_NOTE] = str(self.waking_ms or 0).encode()
        self._note(rules)

    def _note(self, rules: Rules) -> None:
        self.notes[RULES_NOTE] = dump_rules(rules)
        self.rules = rules

    def _count_budgets(self, output: Send | Publish, budgets: Collection[str]) -> None:
        """Add what an entry of the ledger says that a campaign with a budget has granted."""
        if isinstance(output, Publish) and (campaign := granted_by(output)) in budgets:
            self.granted[campaign] = self.granted.get(campaign, 0) + output.data["points"]
            self.notes[GRANTED_NOTE] = dump_granted(self.granted)

    def _wakes(self, later: list[str]) -> dict[str, int]:
        """Make entities that are due later due at the start of the next version."""
        starts_ms = self.waking_ms
        if self.unit.tick is None or starts_ms is None:
            return {}
        if len(later) < STEP_WAKES_MAX:
            self.notes[WAKING_NOTE] = b"0"
        return {key: starts_ms for key in later if key not in self.changed}

    def _apply(self, key: str, message: Message, envelope: Envelope) -> None:
        if self.rules is None:
            raise EngineFailed(
                f"{self._place(envelope)} comes before any rules: the log was recreated while "
                "workers ran, and cannot be applied; stop them and rebuild from the source topics"
            )
        try:
            state = self._entity(key)
            erased = self._erased(key) if state is None else None
            decision = decide(key, state, message, self.rules.book, self.clock_ms, erased)
            # Of an unchanged entity there may be none stored, though the decision has a new one.
            self.entities[key] = decision.state if decision.changed else state
            if decision.changed:
                self.changed[key] = decision
            budgets = self.rules.book.budgets
            for output in decision.outputs:
                self.outputs.append(self._fitting(self._record(output, envelope), envelope))
                if budgets:
                    self._count_budgets(output, budgets)
        except Exception as error:
            # From None: the original's text may name a person.
            raise EngineFailed(self._where(envelope, error)) from None
        for outcome, increment in decision.counts.items():
            self._count(outcome, increment)

    def _entity(self, key: str) -> Entity | None:
        if key in self.entities:
            return self.entities[key]
        value = self.stored.get(key)
        return None if value is None else load_entity(key, value, lazy=True)

    def _erased(self, key: str) -> Erased | None:
        """The erasure mark of a person of whom nothing is stored."""
        if not may_be_erased(key):
            return None
        entity = self._entity(self.context.pseudonyms.of(key))
        return entity if isinstance(entity, Erased) else None

    def _written(self, key: str) -> Write:
        try:
            return self._write(key)
        except Exception as error:
            # From None, as above.
            place = f"{self.context.names.resolved}-{self.lease.partition}"
            offset = self.unit.envelopes[-1].record.offset
            raise EngineFailed(
                f"{place} up to offset {offset} cannot be stored: {describe_failure(error)}"
            ) from None

    def _write(self, key: str) -> Write:
        state, decision = self.entities[key], self.changed[key]
        gone: dict[int, bytes | None] = dict.fromkeys(numbers_of(self.stored.get(key)))
        if state is None:
            return Write(None, pages=gone)
        pieces = dump_pieces(state)
        for number in pieces.numbers:
            gone.pop(number, None)
        pages = {**gone, **pieces.changed} if gone or pieces.changed else {}
        return Write(stored(pieces), decision.due, decision.ttl_s, pages)

    def _record(self, output: Send | Publish, cause: Envelope) -> Record:
        context = self.context
        if isinstance(output, Send):
            return message_record(output, context.names, context.pseudonyms)
        sequence = sequence_of(cause.record.offset, len(self.outputs) - self.first_output)
        partitions = context.pseudonyms.partitions
        return event_record(output, context.names, context.source, partitions, sequence)

    def _fitting(self, output: Record, cause: Envelope) -> Record:
        """The output, or a dead letter if it is too large for its topic."""
        most = self.context.names.bytes_max(output.topic)
        if len(output.value or b"") < most // 2 or bytes_of(output) <= most:
            return output
        self.oversized += 1
        partition, offset = self.lease.partition, cause.record.offset
        return oversized_output(self.context.names, output, partition=partition, offset=offset)

    def _count(self, outcome: Outcome, increment: int) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + increment

    def _dead(self, envelope: Envelope) -> None:
        self._count(Outcome.DEAD, 1)
        self.outputs.append(
            dead_letter(
                self.context.names,
                topic=self.context.names.resolved,
                partition=self.lease.partition,
                record=envelope.record,
                stage=Stage.REWARD,
                reason=reason_of(envelope.record),
                message=str(envelope.record)
                if isinstance(envelope.record, UnreadableRecords)
                else FOREIGN,
                partitions=self.context.pseudonyms.partitions,
            )
        )

    def _where(self, envelope: Envelope, error: Exception) -> str:
        return f"{self._place(envelope)} cannot be applied: {describe_failure(error)}"

    def _place(self, envelope: Envelope) -> str:
        return (
            f"{self.context.names.resolved}-{self.lease.partition} offset {envelope.record.offset}"
        )
