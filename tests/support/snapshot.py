"""What an engine has arrived at, read from its entities alone and judged at one ``as_of``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stream.engine.codec import load_entity
from stream.engine.offers import Live, live_offer
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Origin
from stream.engine.tally import tally
from stream.engine.verify import account_of


@dataclass(frozen=True)
class Snapshot:
    """``balances`` of people not enrolled, ``payouts`` to members, ``live`` offers, ``binds``."""

    binds: dict[str, str]
    balances: dict[str, int]
    payouts: dict[tuple[str, str], int]
    live: dict[str, int]


def snapshot(entities: Mapping[str, bytes], book: RuleBook, as_of: int) -> Snapshot:
    found = Snapshot({}, {}, {}, {})
    for key, value in entities.items():
        entity = load_entity(key, value)
        account = account_of(entity)
        if isinstance(entity, Origin) and entity.bound:
            found.binds[key] = entity.bound
        if account is not None:
            _add(key, account, book, as_of, found)
    return found


def _add(key: str, account: Account, book: RuleBook, as_of: int, found: Snapshot) -> None:
    result = tally(account, book, as_of)
    if result.enrolment is not None:
        paid = {(key, m): points for m, points in account.posted.paid.items() if points}
        found.payouts.update(paid)
        return
    if result.payable:
        found.balances[key] = result.payable
    offer = live_offer(key, result, book, as_of)
    if isinstance(offer, Live):
        found.live[key] = offer.points
