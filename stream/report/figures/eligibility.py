"""When a consumer first qualified for an offer, in the control group of an experiment or not.

Those who were told are not compared with those who were not: whom the engine tells depends on what
they did after they had been told. Both groups are compared from the day on which they qualified
(intention to treat), whatever became of them: by the triggers of blocks that are for everybody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.control_group import Group, group_of, is_control
from stream.engine.model.ruleset import ConsentMode, OfferBlock, RuleBook, RuleSet
from stream.engine.model.state import Account
from stream.engine.points.balance import AccountView, consent_at
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
    days |= {day_of(version.effective_ms) for version in book.versions}
    days |= {day_of(moment.time) for moment in past.moments if moment.earns}
    balance = 0
    for day in sorted(days):
        balance += changes.get(day, 0)
        end = min(start_of(day + 1) - 1, as_of)
        rules = book.at(end)
        if day <= last and rules and _qualifies(balance, day, end, rules, view, past):
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
    balance: int, day: int, end: int, rules: RuleSet, view: AccountView, past: History
) -> bool:
    answer = consent_at(view.consents, end)
    if answer is None:
        answer = not view.opt_in and rules.consent is ConsentMode.OPT_OUT
    return answer and any(
        block.is_for_all
        and balance >= max(1, block.threshold_points)
        and _is_triggered(block, day, end, past)
        for block in rules.offers
    )


def _is_triggered(block: OfferBlock, day: int, end: int, past: History) -> bool:
    first = bisect_right(past.moments, start_of(day) - block.lifetime_ms, key=_time_of)
    last = bisect_right(past.moments, end, key=_time_of)
    triggers = block.triggers
    return any(m.earns and m.touchpoint in triggers for m in past.moments[first:last])


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
