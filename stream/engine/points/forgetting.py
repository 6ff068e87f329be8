# SPDX-License-Identifier: Apache-2.0
"""Drop erased facts from an account, and post what they amounted to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    kinds: tuple[Any, ...] = (origin_facts.touches, *origin_facts.stated)
    gone = [(facts, key) for facts in kinds for key, fact in facts.items() if fact.time <= at]
    for facts, key in gone:
        del facts[key]
    archived = origin_facts.archived is not None and origin_facts.archived.latest <= at
    if archived:
        origin_facts.archived = None
    return archived or bool(gone)
