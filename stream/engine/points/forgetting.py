"""Drop erased facts from an account, and post what they amounted to."""

from __future__ import annotations

from collections.abc import Mapping

from stream.engine.model.erased import is_blank
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, OriginFacts
from stream.engine.points.balance import evaluate
from stream.engine.points.ledger import Ledger, posted_of


def forget(account: Account, ledger: Ledger, book: RuleBook) -> Mapping[Outcome, int]:
    """Drop what is erased; the ledger gets one entry for what it amounted to.

    Points paid out are not asked back: they belong to the member. Answers the change of counts:
    what was parked is refused now.
    """
    erased = account.erased
    assert erased is not None
    dropped = sum(
        _forget(origin_facts, erased.at) for origin_facts in account.facts_by_origin.values()
    )
    if not dropped:
        return {}
    result = evaluate(account, book, ledger.cause.as_of)
    rest = posted_of(result)
    if result.enrolment is not None:
        member = result.enrolment.member_id
        rest.paid = {m: n for m, n in account.posted.paid.items() if m == member}
    ledger.entry("expiry", rest.balance - account.posted.balance)
    parked = account.posted.outcomes.get(Outcome.PARKED, 0) - rest.outcomes.get(Outcome.PARKED, 0)
    account.posted = rest
    return {Outcome.PARKED: -parked, Outcome.REFUSED: parked} if parked else {}


def is_over(account: Account, key: str) -> bool:
    """Whether nothing is left of an account which was erased, so that it need not be kept."""
    blank = all(map(is_blank, account.facts_by_origin.values()))
    live = account.last_offer is not None and account.last_offer.live
    met = any(origin != key for origin in account.transfers)  # its facts may come again
    return account.erased is not None and blank and not (live or met or account.posted.balance)


def _forget(origin_facts: OriginFacts, at: int) -> bool:
    before = (
        len(origin_facts.touches),
        len(origin_facts.enrolments),
        len(origin_facts.consents),
        origin_facts.archived,
    )
    for key in [key for key, touch in origin_facts.touches.items() if touch.time <= at]:
        del origin_facts.touches[key]
    origin_facts.enrolments = {key: e for key, e in origin_facts.enrolments.items() if e.time > at}
    origin_facts.consents = {key: c for key, c in origin_facts.consents.items() if c.time > at}
    if origin_facts.archived is not None and origin_facts.archived.latest <= at:
        origin_facts.archived = None
    after = (
        len(origin_facts.touches),
        len(origin_facts.enrolments),
        len(origin_facts.consents),
        origin_facts.archived,
    )
    return before != after
