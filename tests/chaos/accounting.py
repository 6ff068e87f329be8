# SPDX-License-Identifier: Apache-2.0
"""One outcome for every acknowledged record: is what it says in the facts, once, and nothing else?

The *reckoning* is that of the undisturbed run: for each record of the spool, by number, an outcome
of promise P1 and, where it left a trace, the trace. A trace is a hash of the consumer who has it in
the end, of the business key (as the engine's own duplicate markers) and of what it was: an event,
its reversal, a refund. The reckoning adds up to the undisturbed engine's own counters, or it is not
used (``Reckoning.of`` raises).

Then, for every line of the journal:

- *dead*: a dead letter exists which names the very place of this record in the log;
- *refused* by policy: no dead letter, and no trace can exist;
- everything else: the trace is among the facts which the disturbed run has stored, with the same
  outcome (applied, parked, member, refused for want of consent). If several records of the spool
  have one trace, one of them is the event and the others are its duplicates; it does not matter
  which.

Lost is an acknowledged record for which that does not hold. Doubled is a fact which two accounts
hold, or an account whose posted points and counters are not those of its facts (the product's own
``verify`` looks for that); facts are sets, so there is no other way. What nobody published cannot
be there either: the facts of every entity are compared with the undisturbed run's, by digest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain

import msgspec

from schemas import Refused, decode
from stream.brand.directory import load_apps
from stream.demo.day import SourceRecord
from stream.engine.audit.verify import account_of
from stream.engine.intake.event_to_messages import route
from stream.engine.model.decision import Entity
from stream.engine.model.ids import marker
from stream.engine.model.messages import FactReceived, RefundReported, Refuse
from stream.engine.model.outcomes import Outcome
from stream.engine.model.payment import Payment
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Origin
from stream.engine.model.time_checks import Rejected
from stream.engine.model.touches import SEEN_EVENT, SEEN_REVERSAL
from stream.engine.points.balance import evaluate, judge, merged_touches
from stream.engine.storage.codec import load_entity
from tests.chaos.journal import Journal

OUTCOMES = tuple(Outcome)
TRACE_BYTES = 12
NO_TRACE = bytes(TRACE_BYTES)
_REFUND = 4  # beside SEEN_EVENT and SEEN_REVERSAL
_canonical = msgspec.msgpack.Encoder().encode


def _trace(holder: str, mark: bytes, what: int) -> bytes:
    text = b"%d/%b/%b" % (what, mark, holder.encode())
    return blake2b(text, digest_size=TRACE_BYTES).digest()


@dataclass
class Facts:
    """What the entities of one run hold. ``digests``: of each entity's facts, by its key."""

    traces: dict[bytes, Outcome] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)
    binds: dict[str, str] = field(default_factory=dict)  # origin -> union
    payers: dict[str, str] = field(default_factory=dict)  # payment -> origin
    doubled: int = 0  # origins whose facts are in more than one account

    @classmethod
    def of(cls, values: Mapping[str, bytes], book: RuleBook, as_of: int) -> Facts:
        """Read every entity."""
        facts, homes = cls(), Counter[str]()
        for key, value in values.items():
            entity = load_entity(key, value)
            account = account_of(entity)
            if isinstance(entity, Origin) and entity.bound:
                facts.binds[key] = entity.bound
            if isinstance(entity, Payment):
                facts._add_payment(key, entity)
            if account is not None:
                homes.update(name or key for name in account.facts_by_origin)
                facts._add_account(key, account, book, as_of)
            if (digest := _digest(entity)) is not None:
                facts.digests[key] = digest
        facts.doubled = sum(n > 1 for n in homes.values())
        return facts

    def _add_payment(self, key: str, payment: Payment) -> None:
        if payment.fact is not None:
            self.payers[key] = payment.origin
        outcome = Outcome.PARKED if payment.fact is None else Outcome.APPLIED
        for mark in payment.refunds:
            self.traces[_trace(key, mark, _REFUND)] = outcome
        for waiting in payment.waiting.values():
            mark = marker(waiting.fact.key)
            self.traces[_trace(key, mark, SEEN_EVENT)] = Outcome.PARKED

    def _add_account(self, key: str, account: Account, book: RuleBook, as_of: int) -> None:
        result = evaluate(account, book, as_of)
        for mark, touch in merged_touches(account.facts_by_origin).items():
            for what in (SEEN_EVENT, SEEN_REVERSAL):
                if touch.seen & what:
                    self.traces[_trace(key, mark, what)] = judge(touch.time, result, book)
        for origin_facts in account.facts_by_origin.values():
            for mark in chain.from_iterable(origin_facts.stated):
                self.traces[_trace(key, mark, SEEN_EVENT)] = Outcome.APPLIED

    def trace_of(self, to: str, message: FactReceived | RefundReported) -> bytes:
        """The trace which a routed record leaves, origins and payments being what they are."""
        if isinstance(message, RefundReported):
            return _trace(to, marker(message.refund_id), _REFUND)
        origin = self.payers.get(to, to)
        what = SEEN_REVERSAL if message.fact.reversal else SEEN_EVENT
        return _trace(self.binds.get(origin, origin), marker(message.fact.key), what)


def _digest(entity: Entity) -> bytes | None:
    """Of the facts alone, ``None`` without any.

    What depends on the order of arrival is no fact: numbers of entries, which of two notifications
    of one payment was the first, an account which an origin passed through.
    """
    content: list[object]
    if isinstance(entity, Payment):
        fact = entity.fact and msgspec.structs.replace(entity.fact, event_id="")
        content = [entity.origin, fact, sorted(entity.refunds.items())]
    else:
        account = account_of(entity)
        content = [
            (
                name,
                sorted(s.touches.items()),
                *(sorted(said.items()) for said in s.stated),
            )
            for name, s in sorted(account.facts_by_origin.items() if account else ())
            if s.touches or any(s.stated)
        ]
        if isinstance(entity, Origin) and entity.evidence:
            content += [entity.bound, sorted(entity.evidence.items())]
    return blake2b(_canonical(content), digest_size=8).digest() if content else None


@dataclass
class Reckoning:
    """Outcome and trace of each record, by number."""

    outcomes: bytearray = field(default_factory=bytearray)  # index of OUTCOMES
    traces: bytearray = field(default_factory=bytearray)  # TRACE_BYTES each

    @classmethod
    def of(
        cls,
        records: Iterable[SourceRecord],
        facts: Facts,
        counts: Mapping[str, int],
        book: RuleBook,
        as_of: int,
    ) -> Reckoning:
        """By the facts and the counters of the undisturbed run, which got each record once."""
        directory = load_apps(None)
        reckoning, first = cls(), set[bytes]()
        for record in records:
            outcome, trace = Outcome.DEAD, NO_TRACE
            try:
                event = decode(record.value, record.headers, record.topic)
                routed = route(event, lambda _: None, directory, book.horizons, as_of, as_of)
            except Refused:
                routed = None
            if routed is not None and not isinstance(routed, Rejected):
                to, message = routed[0].to, routed[0].message
                if isinstance(message, Refuse):
                    outcome = Outcome.REFUSED
                else:
                    assert isinstance(message, FactReceived | RefundReported)
                    trace = facts.trace_of(to, message)
                    outcome = Outcome.DUPLICATE if trace in first else facts.traces[trace]
                    first.add(trace)
            reckoning.outcomes.append(OUTCOMES.index(outcome))
            reckoning.traces += trace
        assert reckoning.counts() == counts, "the reckoning is not the engine's own"
        return reckoning

    def counts(self) -> dict[str, int]:
        return {str(OUTCOMES[index]): n for index, n in Counter(self.outcomes).items()}

    def add(self, part: Reckoning) -> None:
        """Go on with the next numbers."""
        self.outcomes += part.outcomes
        self.traces += part.traces

    def __getitem__(self, number: int) -> tuple[Outcome, bytes]:
        start = number * TRACE_BYTES
        outcome = OUTCOMES[self.outcomes[number]]
        return outcome, bytes(self.traces[start : start + TRACE_BYTES])


@dataclass
class Balance:
    """How many acknowledged records had which outcome, and what did not add up."""

    acknowledged: Counter[Outcome] = field(default_factory=Counter)
    lost: Counter[Outcome] = field(default_factory=Counter)  # by what they should have become
    extra_dead: int = 0  # dead letters of acknowledged records which are sound

    @property
    def holds(self) -> bool:
        return not self.lost and not self.extra_dead

    def __str__(self) -> str:
        by_outcome = ", ".join(f"{o} {n}" for o, n in sorted(self.acknowledged.items()))
        return f"{self.acknowledged.total()} acknowledged: {by_outcome}"


def account_for(
    journal: Journal, reckoning: Reckoning, facts: Facts, dead: Mapping[tuple[str, int], set[int]]
) -> Balance:
    """Every line of the journal against what the disturbed run has stored.

    ``dead``: per partition of the log, the offsets which dead letters name. A record which was
    acknowledged a second time is a duplicate, unless it is dead or refused once more.
    """
    balance, known = Balance(), bytearray(len(reckoning.outcomes))
    for number, log, offset in journal.read():
        outcome, trace = reckoning[number]
        is_dead = offset in dead.get(log, ())
        if outcome is Outcome.DEAD:
            found = is_dead
        else:
            balance.extra_dead += is_dead
            found = _stored(outcome, trace, facts)
        if not found:
            balance.lost[outcome] += 1
        if known[number] and trace != NO_TRACE:
            outcome = Outcome.DUPLICATE
        known[number] = True
        balance.acknowledged[outcome] += 1
    return balance


def _stored(outcome: Outcome, trace: bytes, facts: Facts) -> bool:
    if trace == NO_TRACE:
        return True
    found = facts.traces.get(trace)
    return found is not None and outcome in (found, Outcome.DUPLICATE)
