"""Erasing: everything about a person up to an instant is forgotten, by request or after idle years.

An account that is told to forget tells its origins, an origin its profile; so it reaches all that
is known to be one person, from wherever it began. What is later than the instant stays: it is a
new beginning. What comes again from before it is refused, then and for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from stream.engine.decision import Send
from stream.engine.ledger import Ledger, posted_of
from stream.engine.messages import Erase, Mark
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Erased, Strand
from stream.engine.tally import tally


def forgets(erased: Erased | None, time: int) -> bool:
    """Whether what happened at ``time`` (ms) is erased."""
    return erased is not None and time <= erased.at


def merged(known: Erased | None, at: int, asked: bool) -> Erased:
    """What is known to be erased after hearing of one more."""
    return (known or Erased()).merged(Erased(at, asked))


def tell(key: str, erased: Erased) -> list[Send]:
    """Whoever has this key, forget. The mark goes first: from then on nothing can come back."""
    mark, erase = Mark(erased.at, erased.asked), Erase(erased.at, erased.asked)
    return [Send(key, mark), Send(key, erase)]


def tell_origin(origin: str, erased: Erased, by: str) -> Send:
    """If it is still known to be the person behind ``by``, it forgets."""
    return Send(origin, Erase(erased.at, erased.asked, by))


def forget(account: Account, ledger: Ledger, book: RuleBook) -> Mapping[Outcome, int]:
    """Drop what is erased from all strands; the ledger gets one entry for what it amounted to.

    Points paid out are not asked back: they belong to the member. Answers the change of counts:
    what was parked is refused now.
    """
    erased = account.erased
    assert erased is not None
    dropped = sum(_forget(strand, erased.at) for strand in account.strands.values())
    if not dropped:
        return {}
    result = tally(account, book, ledger.cause.as_of)
    rest = posted_of(result)
    if result.enrolment is not None:
        member = result.enrolment.member_id
        rest.paid = {m: n for m, n in account.posted.paid.items() if m == member}
    ledger.entry("expiry", rest.balance - account.posted.balance)
    parked = account.posted.outcomes.get(Outcome.PARKED, 0) - rest.outcomes.get(Outcome.PARKED, 0)
    account.posted = rest
    return {Outcome.PARKED: -parked, Outcome.REFUSED: parked} if parked else {}


def holds_erased(strand: Strand, erased: Erased) -> bool:
    """Whether some of its facts are erased."""
    kinds = (strand.touches, strand.enrolments, strand.consents)
    times = (fact.time for facts in kinds for fact in facts.values())
    closed = strand.closed is not None and strand.closed.latest <= erased.at
    return closed or any(time <= erased.at for time in times)


def is_blank(strand: Strand) -> bool:
    """Whether a strand holds no facts."""
    return not (strand.touches or strand.enrolments or strand.consents or strand.closed)


def is_over(account: Account, key: str) -> bool:
    """Whether nothing is left of an account which was erased, so that it need not be kept."""
    blank = all(map(is_blank, account.strands.values()))
    told = account.told is not None and account.told.live
    met = any(origin != key for origin in account.passages)  # its strand may be announced again
    return account.erased is not None and blank and not (told or met or account.posted.balance)


def _forget(strand: Strand, at: int) -> bool:
    before = (len(strand.touches), len(strand.enrolments), len(strand.consents), strand.closed)
    for key in [key for key, touch in strand.touches.items() if touch.time <= at]:
        del strand.touches[key]
    strand.enrolments = {key: e for key, e in strand.enrolments.items() if e.time > at}
    strand.consents = {key: c for key, c in strand.consents.items() if c.time > at}
    if strand.closed is not None and strand.closed.latest <= at:
        strand.closed = None
    after = (len(strand.touches), len(strand.enrolments), len(strand.consents), strand.closed)
    return before != after
