# SPDX-License-Identifier: Apache-2.0
"""When a consumer first qualified for an offer, in the control group of an experiment or not.

Those who were told are not compared with those who were not: whom the engine tells depends on what
they did after they had been told. Both groups are compared from the day on which they qualified
(intention to treat), whatever became of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.classes import UNCLASSED, fits
from stream.engine.model.control_group import Group, group_of, is_control
from stream.engine.model.ids import origin_parts, scope_of
from stream.engine.model.ruleset import OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account
from stream.engine.points.balance import AccountView
from stream.engine.points.offer_blocks import may_contact
from stream.report.figures.history import History
from stream.report.figures.lots import Holdings

#: An experiment's name where there is none.
NO_EXPERIMENT = "-"


class Eligibility(NamedTuple):
    """The first day (Shanghai) at whose end the points sufficed, of an offer triggered lately.

    ``group`` is that of the only origin by which the consumer had been met by then, ``several`` of
    who had been met by more: these are in the control group less often than the experiment says,
    since one origin that is not suffices. ``crossed``: another origin put the consumer on the other
    side later.
    """

    day: int
    experiment: str
    percent: int
    group: str
    crossed: bool


def eligibility(
    key: str, account: Account, held: Holdings, past: History, book: RuleBook, as_of: int
) -> Eligibility | None:
    """When a consumer qualified; ``None``: not yet, or it cannot be known (archived points)."""
    if past.is_archived:
        return None
    view = held.view
    last = day_of(view.enrolment.time) if view.enrolment else day_of(as_of)
    changes = _changes(held)
    days = {*changes, *(day_of(consent.time) for consent in view.consents)}
    for version in book.versions:
        days.add(day_of(version.effective_ms))
        days |= {day_of(time) for silent in version.silences for time in past.silences(silent)}
    days |= {day_of(moment.time) for moment in past.moments if moment.earns}
    if days and any(block.who for version in book.versions for block in version.offers):
        days.update(range(min(days), last + 1))  # time alone changes classes
    balance = 0
    for day in sorted(days):
        balance += changes.get(day, 0)
        end = min(start_of(day + 1) - 1, as_of)
        rules = book.at(end)
        if day <= last and rules and _qualifies(key, balance, day, end, rules, view, past):
            return _placed(key, account, past, day, rules)
    return None


def _changes(held: Holdings) -> dict[int, int]:
    """By day: how much more, or less, there is at its end."""
    changes: dict[int, int] = {}
    for lot in held.lots:
        assert lot.earned is not None
        changes[lot.earned] = changes.get(lot.earned, 0) + lot.points
        if lot.expires:
            changes[lot.expires] = changes.get(lot.expires, 0) - lot.points
    return changes


def _qualifies(
    key: str, balance: int, day: int, end: int, rules: RuleSet, view: AccountView, past: History
) -> bool:
    if not may_contact(view, rules, end):
        return False
    return any(
        balance >= max(1, block.threshold_points)
        and _is_triggered(block, day, end, past)
        and _is_for(block, key, day, end, view, past)
        for block in rules.offers
    )


def _is_triggered(block: OfferBlock, day: int, end: int, past: History) -> bool:
    """Whether an offer of this block is live on the day, if all else is as it must be."""
    since = start_of(day) - block.lifetime_ms
    first = bisect_right(past.moments, since, key=_time_of)
    last = bisect_right(past.moments, end, key=_time_of)
    return any(
        moment.earns and moment.touchpoint in block.triggers for moment in past.moments[first:last]
    ) or any(since < time <= end for time in past.silences(block.silent_days))


def _is_for(
    block: OfferBlock, key: str, day: int, end: int, view: AccountView, past: History
) -> bool:
    """Whether the consumer was among those whom a block is for, at the end of the day."""
    if (audience := block.audience) is not None:
        apps = {origin_parts(origin)[0] for origin, first in past.met.items() if first <= day}
        if audience.apps and not audience.apps & apps:
            return False
        if audience.open_accounts and scope_of(key) not in audience.open_accounts:
            return False
    classes = view.history.standing(end).classes if view.history else UNCLASSED
    return fits(block.who, classes)


_time_of = attrgetter("time")


def _placed(key: str, account: Account, past: History, day: int, rules: RuleSet) -> Eligibility:
    control = rules.control_group
    if control is None:
        return Eligibility(day, NO_EXPERIMENT, 0, "all", crossed=False)
    met: Iterable[str] = [origin for origin, first in past.met.items() if first <= day] or [key]
    sides = [is_control(control, origin) for origin in met]
    if len(sides) > 1:
        return Eligibility(day, control.experiment, control.percent, "several", crossed=False)
    group = Group.CONTROL if sides[0] else Group.TREATED
    crossed = group_of(control, key, account) is not group
    return Eligibility(day, control.experiment, control.percent, group.value, crossed)
