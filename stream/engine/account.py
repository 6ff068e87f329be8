"""What happens to an account: facts arrive, strands join and leave, time passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from stream.engine.calendar import DAY_MS
from stream.engine.closing import boundaries, close, is_beyond, is_due, merge_closed
from stream.engine.decision import Decision, Publish, Send
from stream.engine.earning import earn, is_void
from stream.engine.erasure import (
    forget,
    forgets,
    holds_erased,
    is_blank,
    is_over,
    merged,
    tell_origin,
)
from stream.engine.erasure import tell as tell_to_forget
from stream.engine.facts import Fact
from stream.engine.ids import marker
from stream.engine.ledger import Cause, Ledger, difference, posted_of
from stream.engine.messages import Arrived, Attach, Detach, Disown, Erase
from stream.engine.offers import tell, withdraw
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Consent, Enrolment, Erased, Origin, Passage, Strand
from stream.engine.sums import Added, add, sums_of
from stream.engine.tally import Tally, merge_touch, tally
from stream.engine.touches import SEEN_EVENT, SEEN_REVERSAL, Touch

ENROLLED = "member.enrolled.v1"
CONSENTS = {"consent.granted.v1": True, "consent.withdrawn.v1": False}
ERASE_REQUESTED = "erase.requested.v1"
EXPORT_REQUESTED = "export.requested.v1"


def arrive(account: Account, message: Arrived, book: RuleBook, cause: Cause) -> Decision:
    """A fact about this consumer. A copy of what is known changes nothing."""
    fact = message.fact
    if account.erased is not None and forgets(account.erased, fact.time):
        return refuse(account, message, cause)
    if fact.type in (ERASE_REQUESTED, EXPORT_REQUESTED):
        return _requested(account, message, cause)
    if fact.touchpoint and is_beyond(boundaries(book, cause.as_of), fact.touchpoint, fact.time):
        late = {Outcome.LATE: 1} if message.counted else {}
        return Decision(account, changed=False, counts=late)
    strand = account.strands.get(message.origin)
    if strand is None:
        strand = account.strands[message.origin] = Strand()
    key = marker(fact.key)
    newcomer = None
    if fact.type == ENROLLED:
        new = _keep_least(strand.enrolments, key, Enrolment(fact.time, fact.member_id))
    elif fact.type in CONSENTS:
        new = _keep_least(strand.consents, key, Consent(fact.time, CONSENTS[fact.type]))
    elif _has(account, key):
        new = _merge_in(strand, key, _touch(fact, message.counted, book))
    else:
        new, newcomer = True, _touch(fact, message.counted, book)
        strand.touches.add(key, newcomer)
    if not new:
        duplicate = {Outcome.DUPLICATE: 1} if message.counted else {}
        return Decision(account, changed=False, counts=duplicate)
    if message.forwarded and message.generation > 1:
        passage = account.passages.setdefault(message.origin, Passage())
        passage.came = max(passage.came, message.generation)
    if newcomer is not None and not cause.deferred:
        added = add(account, newcomer, book, cause.as_of)
        if added is not None:
            return _accrue(account, added, book, cause)
    return settle(account, book, Ledger(account, cause), int(message.counted))


def refuse(known: Account | Origin, message: Arrived, cause: Cause) -> Decision:
    """What was erased does not come back. An origin which still sends it has not heard of that."""
    assert known.erased is not None
    refused = {Outcome.REFUSED: 1} if message.counted else {}
    unaware = message.origin not in ("", cause.key)
    outputs = (tell_origin(message.origin, known.erased, cause.key),) if unaware else ()
    return Decision(known, changed=False, outputs=outputs, counts=refused)


def _requested(account: Account, message: Arrived, cause: Cause) -> Decision:
    """A person asks to be forgotten, or for their data (which is not the engine's work)."""
    outputs: list[Send] = []
    if message.fact.type == ERASE_REQUESTED:
        erased = Erased(message.fact.time, asked=True)
        outputs = tell_to_forget(cause.key, erased)
        if message.origin not in ("", cause.key):  # it may be known here by nothing else
            outputs.append(tell_origin(message.origin, erased, cause.key))
    counts = {Outcome.APPLIED: 1} if message.counted else {}
    return Decision(account, changed=False, outputs=tuple(outputs), counts=counts)


def erase(account: Account, message: Erase, book: RuleBook, cause: Cause) -> Decision:
    """Forget, and tell the origins to."""
    known = account.erased
    account.erased = merged(known, message.at, message.asked)
    if account.erased == known:
        return Decision(account, changed=False)
    outputs: list[Send | Publish] = []
    for origin in sorted(account.strands):
        if origin not in ("", cause.key):
            outputs.append(tell_origin(origin, account.erased, cause.key))
    passages = account.passages.items()
    account.passages = {origin: p for origin, p in passages if origin in account.strands}
    if account.told is not None:
        if account.told.live:
            outputs.append(withdraw(account.told, cause, "consent"))
        account.told = None
    return _after_forgetting(account, book, Ledger(account, cause), outputs)


def disown(account: Account, message: Disown, book: RuleBook, cause: Cause) -> Decision:
    """Forget where a strand went or came from which was of somebody who is erased."""
    before = len(account.passages)
    account.passages.pop(message.person, None)
    heirs = [(o, p) for o, p in account.passages.items() if p.heir == message.person]
    for origin, passage in heirs:
        passage.heir = origin  # it knows who it is now
    changed = bool(heirs) or len(account.passages) < before
    if not changed:
        return Decision(account, changed=False)
    return settle(account, book, Ledger(account, cause), 0)


def _after_forgetting(
    account: Account, book: RuleBook, ledger: Ledger, outputs: Sequence[Send | Publish]
) -> Decision:
    counts = Counter(forget(account, ledger, book))
    rest = settle(account, book, ledger, 0, outputs)
    counts.update(rest.counts)
    return _unless_over(msgspec.structs.replace(rest, counts=counts), ledger.cause)


def _unless_over(decision: Decision, cause: Cause) -> Decision:
    """An erased account of which nothing is left is not kept."""
    assert isinstance(decision.state, Account)
    over = is_over(decision.state, cause.key)
    return msgspec.structs.replace(decision, state=None, due=None) if over else decision


def attach(account: Account, message: Attach, book: RuleBook, cause: Cause) -> Decision:
    """A strand joins, with its balance; both sides' live offers are superseded by a new one."""
    passage = account.passages.get(message.origin) or Passage()
    if message.generation in passage.joined:
        return Decision(account, changed=False)
    if passage.heir and passage.left > message.generation:  # behind the strand, on its way
        return Decision(account, changed=False, outputs=(Send(passage.heir, message),))
    unaware = account.erased is not None and (
        message.generation <= account.erased.at or holds_erased(message.strand, account.erased)
    )
    strand = _merge(account.strands.get(message.origin), message.strand)
    account.strands[message.origin] = strand
    strand.attached.append(message.generation)
    passage.heir, passage.joined = "", sorted({*passage.joined, *strand.attached})
    account.passages[message.origin] = passage
    account.closed_before = (0, 0)  # the newcomer may hold what is beyond the horizon here
    ledger = Ledger(account, cause)
    ledger.transfer_in(message.posted, message.sender)
    superseded: list[Publish] = []
    if account.told is not None:
        if account.told.live:
            superseded.append(withdraw(account.told, cause, "superseded"))
        if superseded or message.offered:
            account.told.told_at = 0  # the successor is told at once
    if account.erased is None:
        return settle(account, book, ledger, 0, superseded)
    outputs: list[Send | Publish] = [*superseded]
    if unaware and message.origin != cause.key:
        outputs.append(tell_origin(message.origin, account.erased, cause.key))
    return _after_forgetting(account, book, ledger, outputs)


def detach(account: Account, message: Detach, book: RuleBook, cause: Cause) -> Decision:
    """A strand leaves for its heir with exactly the points that it made here."""
    passage = account.passages.get(message.origin) or Passage()
    if passage.left >= message.generation:
        return Decision(account, changed=False)
    if message.forget:
        if passage.came > message.generation:  # it has come back since
            return Decision(account, changed=False)
        met = account.passages.pop(message.origin, None)
        if message.origin not in account.strands:
            return Decision(account, changed=met is not None)
    else:
        passage.left, passage.heir = message.generation, message.heir
        account.passages[message.origin] = passage
    strand = account.strands.pop(message.origin, Strand())
    rest = posted_of(tally(account, book, cause.as_of))
    moved = difference(account.posted, rest)
    ledger = Ledger(account, cause)
    ledger.transfer_out(moved, message.heir)
    rest.paid = account.posted.paid  # what was paid out stays where it was paid
    account.posted = rest
    parting = Attach(message.origin, message.generation, strand, moved, cause.key)
    outputs = [] if message.forget and is_blank(strand) else [Send(message.heir, parting)]
    return _unless_over(settle(account, book, ledger, 0, outputs), cause)


def leave(account: Account, heir: str, generation: int, cause: Cause) -> list[Send | Publish]:
    """The whole account of an origin goes to its heir; nothing may be kept of it."""
    offered = account.told is not None and account.told.live
    ledger = Ledger(account, cause)
    ledger.transfer_out(account.posted, heir)
    outputs: list[Send | Publish] = [*ledger.outputs]
    if account.told is not None and offered:
        outputs.append(withdraw(account.told, cause, "superseded"))
    strand = account.strands.get(cause.key, Strand())
    parting = Attach(cause.key, generation, strand, account.posted, cause.key, offered)
    return [*outputs, Send(heir, parting)]


def settle(
    account: Account,
    book: RuleBook,
    ledger: Ledger,
    records: int,
    outputs: Sequence[Send | Publish] = (),
) -> Decision:
    """Post what changed and tell the CRM. ``records``: input records which came in by this step.

    Where a deferred posting would come to the same, it waits.
    """
    cause = ledger.cause
    if cause.deferred and not is_due(account, book, cause.as_of):
        account.sums = None
        return Decision(account, outputs=(*ledger.outputs, *outputs), deferred=records)
    result, counts = post(account, book, ledger, records)
    offers = tell(account, result, book, cause)
    farewell = end_if_idle(result, book, cause)
    return Decision(
        state=account,
        outputs=(*ledger.outputs, *outputs, *offers, *farewell),
        counts=counts,
        due=result.next_change,
    )


def _accrue(account: Account, added: Added, book: RuleBook, cause: Cause) -> Decision:
    """Post what one touch more comes to, and tell the CRM."""
    outputs: list[Send | Publish] = []
    if added.accruals:
        ledger = Ledger(account, cause)
        ledger.accrue(added.accruals)
        outputs += ledger.outputs
    outputs += tell(account, added.tally, book, cause)
    outputs += end_if_idle(added.tally, book, cause)
    return Decision(
        state=account,
        outputs=tuple(outputs),
        counts={added.outcome: 1},
        due=added.tally.next_change,
    )


def post(
    account: Account, book: RuleBook, ledger: Ledger, records: int
) -> tuple[Tally, dict[Outcome, int]]:
    """Bring the ledger to the facts; answers what they amount to, and the change of counts.

    A record which raises no outcome is a duplicate, so that the counts add up by construction.
    """
    cause = ledger.cause
    result = tally(account, book, cause.as_of)
    account.sums = sums_of(result, book, cause.as_of)
    counts: Counter[Outcome] = Counter()
    for outcome in result.outcomes.keys() | account.posted.outcomes.keys():
        change = result.outcomes.get(outcome, 0) - account.posted.outcomes.get(outcome, 0)
        counts[Outcome(outcome)] += change
        records -= change
    counts[Outcome.DUPLICATE] += records
    if boundaries(book, cause.as_of) != account.closed_before:
        close(account, result, book, cause.as_of)
    ledger.post(result)
    return result, {outcome: number for outcome, number in counts.items() if number}


def end_if_idle(result: Tally, book: RuleBook, cause: Cause) -> list[Send]:
    """Who has not been seen for too long and never joined is forgotten."""
    if not (result.seen and book.idle_days) or result.enrolment is not None:
        return []
    ends = result.seen + book.idle_days * DAY_MS
    if ends > cause.as_of:
        result.wake(ends)
        return []
    return tell_to_forget(cause.key, Erased(result.seen))


def _has(account: Account, key: bytes) -> bool:
    """Whether some strand has the touch."""
    for strand in account.strands.values():  # noqa: SIM110  for each event; any() takes twice as long
        if key in strand.touches:
            return True
    return False


def _touch(fact: Fact, counted: bool, book: RuleBook) -> Touch:
    seen = (SEEN_REVERSAL if fact.reversal else SEEN_EVENT) if counted else 0
    points = earn(book.at(fact.time), fact)
    return Touch(fact.time, fact.touchpoint, points, fact.rank, seen, is_void(fact))


def _merge_in(strand: Strand, key: bytes, touch: Touch) -> bool:
    """Add a touch to what the strand knows of it; whether anything is new."""
    known = strand.touches.get(key)
    if known is not None:
        touch = merge_touch(known, touch)
        if touch == known:
            return False
    strand.touches[key] = touch
    return True


_Answer = TypeVar("_Answer", Enrolment, Consent)


def _keep_least(answers: dict[bytes, _Answer], key: bytes, answer: _Answer) -> bool:
    known = answers.get(key)
    if known is not None and known <= answer:
        return False
    answers[key] = answer
    return True


def _merge(mine: Strand | None, theirs: Strand) -> Strand:
    """The union of two copies of a strand."""
    if mine is None:
        return theirs
    for key, touch in theirs.touches.items():
        known = mine.touches.get(key)
        mine.touches[key] = merge_touch(known, touch) if known else touch
    for key, enrolment in theirs.enrolments.items():
        _keep_least(mine.enrolments, key, enrolment)
    for key, consent in theirs.consents.items():
        _keep_least(mine.consents, key, consent)
    mine.attached = sorted({*mine.attached, *theirs.attached})
    mine.closed = merge_closed(mine.closed, theirs.closed)
    return mine
