# SPDX-License-Identifier: Apache-2.0
"""Apply a message to an account: add a fact, move an origin's facts in or out, or erase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from schemas import crm, privacy
from stream.engine.model.calendar import day_of
from stream.engine.model.decision import Cause, Decision, Publish, Send
from stream.engine.model.erased import (
    forget_message_of_origin,
    forget_messages,
    forgets,
    holds_erased,
    is_blank,
    merged,
)
from stream.engine.model.facts import Fact
from stream.engine.model.ids import marker
from stream.engine.model.limits import (
    BIRTHDAYS_PER_ORIGIN_MAX,
    CONSENTS_PER_ORIGIN_MAX,
    ENROLMENTS_PER_ORIGIN_MAX,
    ORIGIN_BYTES_MAX,
    ORIGINS_PER_PROFILE_MAX,
    TOUCHES_PER_DAY_MAX,
)
from stream.engine.model.messages import (
    Disown,
    Erase,
    FactReceived,
    TransferIn,
    TransferOut,
    Unbind,
)
from stream.engine.model.outcomes import Outcome
from stream.engine.model.page import ROW_BYTES
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import (
    Account,
    Answer,
    Consent,
    Enrolment,
    Erased,
    Origin,
    OriginFacts,
    Posted,
    StatedBirthday,
    TransferState,
)
from stream.engine.model.touches import SEEN_EVENT, SEEN_REVERSAL, Touch, Touches, share
from stream.engine.points import invitations
from stream.engine.points.archive import boundary, is_beyond, merge_archived
from stream.engine.points.balance import evaluate, merge_touch
from stream.engine.points.earning import earn, is_void, paid_fen
from stream.engine.points.forgetting import forget, is_over
from stream.engine.points.incremental import add
from stream.engine.points.ledger import Ledger, difference, posted_of
from stream.engine.points.reachability import marks_of
from stream.engine.points.settlement import accrue, retract, settle, supersede

ENROLLED = crm.MEMBER_ENROLLED
BIRTHDAY_REPORTED = crm.BIRTHDAY_REPORTED
CONSENTS = {
    privacy.CONSENT_GRANTED: Answer.GRANTED,
    privacy.CONSENT_PAUSED: Answer.PAUSED,
    privacy.CONSENT_WITHDRAWN: Answer.WITHDRAWN,
}
ERASE_REQUESTED = privacy.ERASE_REQUESTED
EXPORT_REQUESTED = privacy.EXPORT_REQUESTED


def arrive(account: Account, message: FactReceived, book: RuleBook, cause: Cause) -> Decision:
    """Apply a fact about this consumer. A copy of what is known changes nothing."""
    fact = message.fact
    if account.erased is not None and forgets(account.erased, fact.time):
        return refuse(account, message, cause)
    if fact.type in (ERASE_REQUESTED, EXPORT_REQUESTED):
        return _requested(account, message, cause)
    if fact.touchpoint and is_beyond(boundary(book, cause.as_of), fact.time):
        late = {Outcome.LATE: 1} if message.counted else {}
        return Decision(account, changed=False, counts=late)
    if _is_crowded(account, message.origin, cause):
        return _send_home(account, message, cause)
    origin_facts = account.facts_by_origin.get(message.origin)
    if origin_facts is None:
        origin_facts = account.facts_by_origin[message.origin] = OriginFacts()
    key = marker(fact.key)
    newcomer = None
    if message.counted and _is_over(origin_facts, fact):
        return Decision(account, changed=False, counts={Outcome.REFUSED: 1})
    if fact.type == ENROLLED:
        new = _keep_least(origin_facts.enrolments, key, Enrolment(fact.time, fact.member_id))
    elif fact.birthday is not None:
        said = StatedBirthday(fact.time, fact.birthday)
        new = _keep_least(origin_facts.birthdays, key, said)
    elif fact.type in CONSENTS:
        consent = Consent(fact.time, CONSENTS[fact.type], not message.counted)
        new = _keep_least(origin_facts.consents, key, consent)
    elif _has(account, key):
        new = _merge_in(account, origin_facts, key, _touch(fact, message.counted, book))
    elif message.counted and _is_full(origin_facts.touches, fact):
        return Decision(account, changed=False, counts={Outcome.REFUSED: 1})
    else:
        new, newcomer = True, _touch(fact, message.counted, book)
        origin_facts.touches.add(key, newcomer)
    if not new:
        duplicate = {Outcome.DUPLICATE: 1} if message.counted else {}
        return Decision(account, changed=False, counts=duplicate)
    if message.forwarded and message.generation > 1:
        transfer = account.transfers.setdefault(message.origin, TransferState())
        transfer.came = max(transfer.came, message.generation)
    if newcomer is not None and not cause.deferred:
        added = add(account, newcomer, book, cause.as_of)
        if added is not None:
            return accrue(account, added, book, cause)
    return settle(account, book, Ledger(account, cause), int(message.counted))


def _is_crowded(account: Account, origin: str, cause: Cause) -> bool:
    """Whether the account has as many origins as it may have, and not this one."""
    if len(account.facts_by_origin) < ORIGINS_PER_PROFILE_MAX or origin in account.facts_by_origin:
        return False
    return origin not in ("", cause.key)


def _send_home(account: Account, message: FactReceived | TransferIn, cause: Cause) -> Decision:
    """Make an origin know that it is not this consumer, and give back what it sent."""
    unbind = Unbind(cause.key, f"crowded:{cause.id}", cause.as_of, counted=False)
    outputs = (Send(message.origin, unbind), Send(message.origin, message))
    return Decision(account, changed=False, outputs=outputs)


def refuse(known: Account | Origin, message: FactReceived, cause: Cause) -> Decision:
    """What was erased does not come back. An origin that still sends it does not know of that."""
    assert known.erased is not None
    refused = {Outcome.REFUSED: 1} if message.counted else {}
    unaware = message.origin not in ("", cause.key)
    outputs = (
        (forget_message_of_origin(message.origin, known.erased, cause.key),) if unaware else ()
    )
    return Decision(known, changed=False, outputs=outputs, counts=refused)


def _requested(account: Account, message: FactReceived, cause: Cause) -> Decision:
    """A person asks to be forgotten, or for their data (which is not the engine's work)."""
    outputs: list[Send] = []
    if message.fact.type == ERASE_REQUESTED:
        erased = Erased(message.fact.time, asked=True)
        outputs = forget_messages(cause.key, erased)
        if message.origin not in ("", cause.key):  # it may be known here by nothing else
            outputs.append(forget_message_of_origin(message.origin, erased, cause.key))
    counts = {Outcome.APPLIED: 1} if message.counted else {}
    return Decision(account, changed=False, outputs=tuple(outputs), counts=counts)


def erase(account: Account, message: Erase, book: RuleBook, cause: Cause) -> Decision:
    """Forget, and make the origins forget."""
    known = account.erased
    account.erased = merged(known, message.at, message.asked)
    if account.erased == known:
        return Decision(account, changed=False)
    outputs: list[Send | Publish] = []
    for origin in sorted(account.facts_by_origin):
        if origin not in ("", cause.key):
            outputs.append(forget_message_of_origin(origin, account.erased, cause.key))
    transfers = account.transfers.items()
    account.transfers = {origin: p for origin, p in transfers if origin in account.facts_by_origin}
    outputs += retract(account, cause, "erased")
    outputs += invitations.close(account, cause, "erased")
    account.last_offer = account.invitation = None
    return _after_forgetting(account, book, Ledger(account, cause), outputs)


def disown(account: Account, message: Disown, book: RuleBook, cause: Cause) -> Decision:
    """Forget transfers to or from a person who is erased."""
    before = len(account.transfers)
    account.transfers.pop(message.person, None)
    theirs = [(o, p) for o, p in account.transfers.items() if p.successor == message.person]
    for origin, transfer in theirs:
        transfer.successor = origin  # it knows who it is now
    changed = bool(theirs) or len(account.transfers) < before
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


def attach(account: Account, message: TransferIn, book: RuleBook, cause: Cause) -> Decision:
    """An origin's facts join, with their balance; one new offer supersedes both live ones."""
    transfer = account.transfers.get(message.origin) or TransferState()
    if message.generation in transfer.joined:
        return Decision(account, changed=False)
    if _is_crowded(account, message.origin, cause):
        return _send_home(account, message, cause)
    if transfer.successor and transfer.left > message.generation:  # behind its facts, on their way
        # The successor knows of the origin by then, so without facts there is nothing to send.
        blank = is_blank(message.facts) and message.posted == Posted()
        onward = () if blank else (Send(transfer.successor, message),)
        return Decision(account, changed=False, outputs=onward)
    unaware = account.erased is not None and (
        message.generation <= account.erased.at or holds_erased(message.facts, account.erased)
    )
    origin_facts = _merge(account.facts_by_origin.get(message.origin), message.facts)
    account.facts_by_origin[message.origin] = origin_facts
    share([other.touches for other in account.facts_by_origin.values()], origin_facts.touches)
    origin_facts.attached.append(message.generation)
    transfer.successor, transfer.joined = "", sorted({*transfer.joined, *origin_facts.attached})
    account.transfers[message.origin] = transfer
    account.invitation = invitations.later(account.invitation, message.invitation)
    account.archived_before = 0  # the newcomer may hold what is out of reach here
    ledger = Ledger(account, cause)
    ledger.transfer_in(message.posted, message.sender)
    superseded = supersede(account, cause)
    if account.last_offer is not None and (superseded or message.offered):
        account.last_offer.announced_at = 0  # its successor is announced at once
    if account.erased is None:
        return settle(account, book, ledger, 0, superseded)
    outputs: list[Send | Publish] = [*superseded]
    if unaware and message.origin != cause.key:
        outputs.append(forget_message_of_origin(message.origin, account.erased, cause.key))
    return _after_forgetting(account, book, ledger, outputs)


def detach(account: Account, message: TransferOut, book: RuleBook, cause: Cause) -> Decision:
    """Move an origin's facts, and exactly the points they earned here, to their successor."""
    transfer = account.transfers.get(message.origin) or TransferState()
    if transfer.left >= message.generation:
        return Decision(account, changed=False)
    known = message.origin in account.transfers
    if not known and _is_crowded(account, message.origin, cause):  # it never came in
        return Decision(account, changed=False)
    if message.forget:
        if transfer.came > message.generation:  # it has come back since
            return Decision(account, changed=False)
        met = account.transfers.pop(message.origin, None)
        if message.origin not in account.facts_by_origin:
            return Decision(account, changed=met is not None)
    else:
        transfer.left, transfer.successor = message.generation, message.successor
        account.transfers[message.origin] = transfer
    origin_facts = account.facts_by_origin.pop(message.origin, OriginFacts())
    rest = posted_of(evaluate(account, book, cause.as_of))
    moved = difference(account.posted, rest)
    ledger = Ledger(account, cause)
    ledger.transfer_out(moved, message.successor)
    rest.paid = account.posted.paid  # what was paid out stays where it was paid
    account.posted = rest
    origin_facts.touches.leave()
    parting = TransferIn(message.origin, message.generation, origin_facts, moved, cause.key)
    outputs = (
        [] if message.forget and is_blank(origin_facts) else [Send(message.successor, parting)]
    )
    return _unless_over(settle(account, book, ledger, 0, outputs), cause)


def leave(account: Account, successor: str, generation: int, cause: Cause) -> list[Send | Publish]:
    """Move the whole account of an origin to its successor; nothing may be kept of it."""
    offered = account.last_offer is not None and account.last_offer.live
    ledger = Ledger(account, cause)
    ledger.transfer_out(account.posted, successor)
    outputs: list[Send | Publish] = [*ledger.outputs, *retract(account, cause, "superseded")]
    origin_facts = account.facts_by_origin.get(cause.key, OriginFacts())
    origin_facts.touches.leave()
    parting = TransferIn(
        cause.key,
        generation,
        origin_facts,
        account.posted,
        cause.key,
        offered,
        account.invitation,
    )
    return [*outputs, Send(successor, parting)]


def _has(account: Account, key: bytes) -> bool:
    """Whether some origin has the touch."""
    for origin_facts in account.facts_by_origin.values():  # noqa: SIM110  for each event; any() takes twice as long
        if key in origin_facts.touches:
            return True
    return False


def _touch(fact: Fact, counted: bool, book: RuleBook) -> Touch:
    seen = (SEEN_REVERSAL if fact.reversal else SEEN_EVENT) if counted else 0
    points = earn(book.at(fact.time), fact)
    points += marks_of(fact)
    void, fen = is_void(fact), paid_fen(fact)
    return Touch(fact.time, fact.touchpoint, points, fact.rank, seen, void, fen)


def _merge_in(account: Account, origin_facts: OriginFacts, key: bytes, touch: Touch) -> bool:
    """Add a touch to what the origin has of it; whether anything is new."""
    known = origin_facts.touches.get(key)
    if known is not None:
        touch = merge_touch(known, touch)
        if touch == known:
            return False
        origin_facts.touches[key] = touch
        return True
    for other in account.facts_by_origin.values():
        other.touches.set_apart(key)
    origin_facts.touches.add(key, touch, apart=True)
    return True


def _is_over(origin_facts: OriginFacts, fact: Fact) -> bool:
    """Whether the origin has given more answers, birthdays or enrolments than a person does.

    A withdrawal is a right: it is taken when a grant no longer is.
    """
    if fact.type == ENROLLED:
        return len(origin_facts.enrolments) >= ENROLMENTS_PER_ORIGIN_MAX
    if fact.type == BIRTHDAY_REPORTED:
        return len(origin_facts.birthdays) >= BIRTHDAYS_PER_ORIGIN_MAX
    if fact.type not in CONSENTS or len(origin_facts.consents) < CONSENTS_PER_ORIGIN_MAX:
        return False
    withdrawn = fact.type == privacy.CONSENT_WITHDRAWN
    return not withdrawn or len(origin_facts.consents) >= 2 * CONSENTS_PER_ORIGIN_MAX


def _is_full(touches: Touches, fact: Fact) -> bool:
    """Whether one more touch would be over a limit of its origin."""
    if touches.most < TOUCHES_PER_DAY_MAX * ROW_BYTES:
        return False
    on_day = touches.number_on(day_of(fact.time), fact.touchpoint)
    return on_day >= TOUCHES_PER_DAY_MAX or touches.most >= ORIGIN_BYTES_MAX


_Answer = TypeVar("_Answer", Enrolment, Consent, StatedBirthday)


def _keep_least(answers: dict[bytes, _Answer], key: bytes, answer: _Answer) -> bool:
    known = answers.get(key)
    if known is not None and known <= answer:
        return False
    answers[key] = answer
    return True


def _merge(mine: OriginFacts | None, theirs: OriginFacts) -> OriginFacts:
    """The union of two copies of an origin's facts."""
    if mine is None:
        return theirs
    for key, touch in theirs.touches.items():
        known = mine.touches.get(key)
        mine.touches[key] = merge_touch(known, touch) if known else touch
    for key, enrolment in theirs.enrolments.items():
        _keep_least(mine.enrolments, key, enrolment)
    for key, consent in theirs.consents.items():
        _keep_least(mine.consents, key, consent)
    for key, said in theirs.birthdays.items():
        _keep_least(mine.birthdays, key, said)
    mine.attached = sorted({*mine.attached, *theirs.attached})
    mine.archived = merge_archived(mine.archived, theirs.archived)
    return mine
