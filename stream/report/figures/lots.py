# SPDX-License-Identifier: Apache-2.0
"""Lots: the points of an account by the rule and the day that made them, and what became of each.

The lots of an account add up to its view: granted, expired, paid, and what there is still.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account
from stream.engine.points.balance import AccountView, Grant, evaluate

_LONG_AGO = 1  # a day: dropped from the archive since it expired


class Fate(StrEnum):
    """What became of points by ``as_of``."""

    OUTSTANDING = "outstanding"  # an enrolment would pay them
    PENDING = "pending"  # a member is paid them when the return window is over
    PAID = "paid"
    EXPIRED = "expired"


class Lot(NamedTuple):
    """Points of one rule. Days are Shanghai's; ``earned`` is ``None`` for archived points."""

    rule: str
    points: int
    earned: int | None
    expires: int  # at the beginning of this day; 0: never
    fate: Fate


class Holdings(NamedTuple):
    """An account's view as of an instant, and its lots."""

    view: AccountView
    lots: list[Lot]


def holdings(account: Account, book: RuleBook, as_of: int) -> Holdings:
    """Everything that was ever granted and not taken back, as it stands at ``as_of`` (ms)."""
    grants: list[Grant] = []
    view = evaluate(account, book, as_of, grants)
    until = view.enrolment.time if view.enrolment else as_of
    lots = []
    for grant in grants:
        if not grant.points:
            continue
        fate = _fate(view, grant.expires, grant.ripe, until, as_of)
        lots.append(Lot(grant.measure, grant.points, day_of(grant.at), grant.expires, fate))
    for rule, points, expires in _archived(account):
        lots.append(Lot(rule, points, None, expires, _fate(view, expires, 0, until, as_of)))
    return Holdings(view, lots)


def _fate(view: AccountView, expires: int, ripe: int, until: int, as_of: int) -> Fate:
    if expires and start_of(expires) <= until:
        return Fate.EXPIRED
    if view.enrolment is None:
        return Fate.OUTSTANDING
    return Fate.PENDING if ripe and start_of(ripe) > as_of else Fate.PAID


def _archived(account: Account) -> Iterator[tuple[str, int, int]]:
    """Archived points: the rule, how many, and the day on which they expire."""
    for origin_facts in account.facts_by_origin.values():
        if origin_facts.archived is None:
            continue
        for name, granted in origin_facts.archived.granted.items():
            rule, lots = name.rpartition("@")[0], origin_facts.archived.lots.get(name, {})
            yield from ((rule, points, expires) for expires, points in lots.items())
            if gone := granted - sum(lots.values()):
                yield rule, gone, _LONG_AGO
