# SPDX-License-Identifier: Apache-2.0
"""After each change: post what the facts amount to, announce it, and say when to look again.

Whatever changed an account ends here, by a full count (:func:`settle`) or by one touch more
(:func:`accrue`). What a consumer's announcements say is compared in one place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.decision import Cause, Decision, Publish, Send
from stream.engine.model.erased import forget_messages
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Erased
from stream.engine.points import invitations, nudges, traits
from stream.engine.points import signup_offers as offers
from stream.engine.points.archive import archive, boundary, is_due
from stream.engine.points.balance import AccountView, evaluate
from stream.engine.points.incremental import Added, sums_of
from stream.engine.points.ledger import Ledger

#: When an account is due that nothing concerns so far: rules that are published later find it
#: there.
NEVER_MS: Final = 253_402_300_799_999

#: Each compares a value of the account with what was announced of it last, and announces the
#: difference. It wakes the view where the announcement must wait.
ANNOUNCERS: Final[tuple[Callable[[Account, AccountView, RuleBook, Cause], list[Publish]], ...]] = (
    invitations.announce,
    offers.announce,
    traits.announce,
    nudges.announce,
)

#: Each ends what is announced and live, for a reason.
_RETRACTORS: Final[tuple[Callable[[Account, Cause, str], list[Publish]], ...]] = (
    offers.retract,
    traits.retract,
    nudges.retract,
)


def settle(
    account: Account,
    book: RuleBook,
    ledger: Ledger,
    records: int,
    outputs: Sequence[Send | Publish] = (),
) -> Decision:
    """Post what changed and announce it. ``records``: input records that this step took in.

    Where a deferred posting would come to the same, it waits.
    """
    cause = ledger.cause
    if cause.deferred and not is_due(account, book, cause.as_of):
        account.sums = None
        return Decision(account, outputs=(*ledger.outputs, *outputs), deferred=records)
    view, counts = post(account, book, ledger, records)
    return _conclude(account, view, book, cause, counts, (*ledger.outputs, *outputs))


def accrue(account: Account, added: Added, book: RuleBook, cause: Cause) -> Decision:
    """Post what one touch more amounts to, and announce it."""
    outputs: Sequence[Publish] = ()
    if added.accruals:
        ledger = Ledger(account, cause)
        ledger.accrue(added.accruals)
        outputs = ledger.outputs
    return _conclude(account, added.view, book, cause, {added.outcome: 1}, outputs)


def retract(account: Account, cause: Cause, reason: str) -> list[Publish]:
    """End all that is announced of the account and live."""
    return [output for one in _RETRACTORS for output in one(account, cause, reason)]


def supersede(account: Account, cause: Cause) -> list[Publish]:
    """End what is announced anew when the facts of another account join."""
    return offers.retract(account, cause, "superseded")


def post(
    account: Account, book: RuleBook, ledger: Ledger, records: int
) -> tuple[AccountView, dict[Outcome, int]]:
    """Bring the ledger to the facts; answers what they amount to, and the change of counts.

    A record that raises no outcome is a duplicate, so that the counts add up by construction.
    """
    cause = ledger.cause
    view = evaluate(account, book, cause.as_of)
    account.sums = sums_of(view, book, cause.as_of)
    counts: Counter[Outcome] = Counter()
    for outcome in view.outcomes.keys() | account.posted.outcomes.keys():
        change = view.outcomes.get(outcome, 0) - account.posted.outcomes.get(outcome, 0)
        counts[Outcome(outcome)] += change
        records -= change
    counts[Outcome.DUPLICATE] += records
    if boundary(book, cause.as_of) != account.archived_before:
        archive(account, view, book, cause.as_of)
    ledger.post(view)
    return view, {outcome: number for outcome, number in counts.items() if number}


def idle_erasure(view: AccountView, book: RuleBook, cause: Cause) -> list[Send]:
    """The messages that erase a consumer who has not been seen for too long and never joined."""
    if not view.seen or view.enrolment is not None:
        return []
    if not book.idle_days:
        view.wake(NEVER_MS)
        return []
    ends = view.seen + book.idle_days * DAY_MS
    if ends > cause.as_of:
        view.wake(ends)
        return []
    return forget_messages(cause.key, Erased(view.seen))


def _conclude(
    account: Account,
    view: AccountView,
    book: RuleBook,
    cause: Cause,
    counts: Mapping[Outcome, int],
    outputs: Sequence[Send | Publish],
) -> Decision:
    """Announce every value that is not as it was announced, and answer what was decided."""
    concluded = [*outputs]
    for announce in ANNOUNCERS:
        concluded += announce(account, view, book, cause)
    concluded += idle_erasure(view, book, cause)
    return Decision(account, outputs=tuple(concluded), counts=counts, due=view.next_change)
