# SPDX-License-Identifier: Apache-2.0
"""What an engine has arrived at, read from its entities alone and judged at one ``as_of``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.engine.audit.verify import account_of
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Origin
from stream.engine.points.balance import evaluate, merged_touches
from stream.engine.points.offer_blocks import Live, live_offer
from stream.engine.storage.codec import load_entity
from tests.support.traits import is_customer


@dataclass(frozen=True)
class Snapshot:
    """``balances`` of people not enrolled, ``payouts`` to members, ``live`` offers, ``binds``.

    And what each has ``spent``, net of refunds.
    """

    binds: dict[str, str]
    balances: dict[str, int]
    payouts: dict[tuple[str, str], int]
    live: dict[str, int]
    spent: dict[str, int]  # fen
    blocks: dict[str, str]  # of the live offers
    classes: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # of those who bought something


def snapshot(entities: Mapping[str, bytes], book: RuleBook, as_of: int) -> Snapshot:
    found = Snapshot({}, {}, {}, {}, {}, {})
    for key, value in entities.items():
        entity = load_entity(key, value)
        account = account_of(entity)
        if isinstance(entity, Origin) and entity.bound:
            found.binds[key] = entity.bound
        if account is not None:
            _add(key, account, book, as_of, found)
    return found


def spent(account: Account) -> int:
    """Fen paid and not given back, by the touches and the archived totals."""
    archived = [facts.archived for facts in account.facts_by_origin.values()]
    touches = merged_touches(account.facts_by_origin).values()
    return sum(touch.fen for touch in touches) + sum(a.fen for a in archived if a is not None)


def _add(key: str, account: Account, book: RuleBook, as_of: int, found: Snapshot) -> None:
    result = evaluate(account, book, as_of)
    if fen := spent(account):
        found.spent[key] = fen
    if is_customer(result.classes):
        found.classes[key] = dict(result.classes)
    if result.left:
        found.balances[key] = result.left
    if result.enrolment is not None:
        paid = {(key, m): points for m, points in account.posted.paid.items() if points}
        found.payouts.update(paid)
        return
    offer = live_offer(key, account, result, book, as_of)
    if isinstance(offer, Live):
        found.live[key] = offer.points
        found.blocks[key] = offer.block
