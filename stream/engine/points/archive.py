# SPDX-License-Identifier: Apache-2.0
"""Archiving: fold touches that are out of reach into totals, so that no account grows for ever.

Nothing folds that a late bind, answer, enrolment or refund could still change: the reach of a rule
book is ``retention_days``, and longer where points live longer. Whole months fold, so that a
month's cap is never split. What was granted stays granted: caps are settled then, touch by touch in
order of time, and the share of each origin's touches is kept with it, so that the origin can still
leave exactly. What rules with a memory count is kept by days.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from operator import attrgetter

from stream.engine.model.calendar import day_of, first_day_of, month_of, start_of, week_of
from stream.engine.model.facts import DISPUTED_RANK
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook, rule_of
from stream.engine.model.state import Account, ArchivedTotals, OriginFacts
from stream.engine.model.touches import Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.balance import (
    BOUGHT,
    AccountView,
    Cells,
    Grant,
    cell_of,
    grants,
    increase,
    judge,
    merge_touch,
)
from stream.engine.points.caps import used_up
from stream.engine.points.classes.history import History
from stream.engine.points.classes.timeline import EVER
from stream.engine.points.kinds import remembered_by
from stream.engine.points.kinds.rounding import ONE


def boundary(book: RuleBook, as_of: int) -> int:
    """The first open day at ``as_of`` (ms): what is older is out of reach."""
    return _first_open(day_of(as_of) - book.reach_days)


@lru_cache(maxsize=1024)
def _first_open(day: int) -> int:
    return first_day_of(month_of(day))


def is_beyond(first_open: int, time: int) -> bool:
    """Whether a touch of that time (ms) is on an archived day."""
    return time < start_of(first_open)


def is_due(account: Account, book: RuleBook, as_of: int) -> bool:
    """Whether something must be folded; if not, the account is archived as it is."""
    first_open = boundary(book, as_of)
    if first_open == account.archived_before:
        return False
    facts_by_origin = account.facts_by_origin.values()
    if any(
        is_beyond(first_open, origin_facts.touches.earliest)
        for origin_facts in facts_by_origin
        if origin_facts.touches
    ):
        return True
    account.archived_before = first_open
    return False


def archive(account: Account, view: AccountView, book: RuleBook, as_of: int) -> None:
    """Fold what is beyond the horizon; ``view`` is the account's, and stays true."""
    account.archived_before = boundary(book, as_of)
    old = _take_old(account)
    if old:
        _settle(account, old, view, book)
    until = min(as_of, view.enrolment.time) if view.enrolment else as_of
    # Birthdays are not archived, and are judged by what was bought before each of them.
    folds = book.classed and not any(facts.birthdays for facts in account.facts_by_origin.values())
    for origin_facts in account.facts_by_origin.values():
        if origin_facts.archived is not None:
            _drop_expired(origin_facts.archived, day_of(until) - book.horizon_days)
            if folds:
                _fold_bought(origin_facts.archived, account.archived_before - book.bought_days)


def merge_archived(
    mine: ArchivedTotals | None, theirs: ArchivedTotals | None
) -> ArchivedTotals | None:
    """The sum of two origins' totals."""
    if mine is None or theirs is None:
        return mine or theirs
    for name, points in theirs.granted.items():
        increase(mine.granted, name, points)
    for name, lots in theirs.lots.items():
        for expires, points in lots.items():
            increase(mine.lots.setdefault(name, {}), expires, points)
    for touchpoint, count in theirs.touches.items():
        increase(mine.touches, touchpoint, count)
    for outcome, count in theirs.outcomes.items():
        increase(mine.outcomes, outcome, count)
    for day, (number, fen) in theirs.bought.items():
        known = mine.bought.get(day, [0, 0])
        mine.bought[day] = [known[0] + number, known[1] + fen]
    mine.latest = max(mine.latest, theirs.latest)
    mine.fen += theirs.fen
    for name, weeks in theirs.in_week.items():
        for week, points in weeks.items():
            increase(mine.in_week.setdefault(name, {}), week, points)
    for measure, parts in theirs.cells.items():
        for cell, number in parts.items():
            increase(mine.cells.setdefault(measure, {}), cell, number)
    return mine


#: (time, marker, its origin's facts, touch)
_Old = list[tuple[int, bytes, OriginFacts, Touch]]


def _take_old(account: Account) -> _Old:
    old: dict[bytes, tuple[OriginFacts, Touch]] = {}
    first_open = account.archived_before
    for _, origin_facts in sorted(account.facts_by_origin.items()):
        if not (origin_facts.touches and is_beyond(first_open, origin_facts.touches.earliest)):
            continue
        keys = [k for k, t in origin_facts.touches.items() if is_beyond(first_open, t.time)]
        for key in keys:
            touch = origin_facts.touches.pop(key)
            if key in old:  # the same touch by two origins counts once, where it ranks higher
                first, known = old[key]
                holder = origin_facts if touch.rank > known.rank else first
                old[key] = holder, merge_touch(known, touch)
            else:
                old[key] = origin_facts, touch
    return sorted(((t.time, k, s, t) for k, (s, t) in old.items()), key=lambda item: item[:2])


def _settle(account: Account, old: _Old, view: AccountView, book: RuleBook) -> None:
    history: History | None = view.history
    totals = [facts.archived for facts in account.facts_by_origin.values() if facts.archived]
    used = used_up(totals, book)
    open_week = week_of(account.archived_before)
    for archived in totals:
        archived.in_week = {name: w for name, w in archived.in_week.items() if open_week in w}
    cells: Cells = {}
    counting: list[tuple[int, OriginFacts, Touch]] = []  # by cell
    for item in old:
        _, _, origin_facts, touch = item
        if origin_facts.archived is None:
            origin_facts.archived = ArchivedTotals()
        origin_facts.archived.latest = max(origin_facts.archived.latest, touch.time)
        origin_facts.archived.fen += touch.fen
        outcome = judge(touch.time, view, book)
        increase(origin_facts.archived.outcomes, str(outcome), touch.seen.bit_count())
        if book.classed and touch.touchpoint == Touchpoint.PURCHASE and _is_bought(touch, outcome):
            number, fen = origin_facts.archived.bought.get(day_of(touch.time), (0, 0))
            origin_facts.archived.bought[day_of(touch.time)] = [number + 1, fen + touch.fen]
        if outcome is Outcome.APPLIED and not touch.void:
            increase(origin_facts.archived.touches, touch.touchpoint, 1)
            cell = cell_of(touch.time, book, history.rise(touch.time) if history else EVER)
            counting.append((cell, origin_facts, touch))
            rules = book.at(touch.time)
            for name, number in touch.points:
                # What counts with other days is kept by days, and counted anew each time.
                remembered = remembered_by(name, rules)
                if remembered and history is not None and not history.is_for(name, cell):
                    continue
                kept = origin_facts.archived.cells if remembered else cells
                increase(kept.setdefault(name, {}), cell, number)
    if history is not None:
        history.admit(cells)
    for grant in filter(attrgetter("points"), grants(cells, used, book, history)):
        left, factor = grant.points, _factor(grant, history, book)
        for cell, origin_facts, touch in counting:
            earned = dict(touch.points).get(grant.measure, 0)
            share = min(left, -(-earned * factor // 1))  # rounded up
            if share and cell == grant.at and origin_facts.archived is not None:
                left -= share
                increase(origin_facts.archived.granted, grant.name, share)
                lots = origin_facts.archived.lots.setdefault(grant.name, {})
                increase(lots, grant.expires, share)
                if week_of(day_of(grant.at)) == open_week:
                    weeks = origin_facts.archived.in_week.setdefault(grant.name, {})
                    increase(weeks, open_week, share)


def _is_bought(touch: Touch, outcome: Outcome) -> bool:
    return outcome in BOUGHT and not touch.void and touch.rank < DISPUTED_RANK


def _factor(grant: Grant, history: History | None, book: RuleBook) -> Fraction:
    """By what the level of a tier multiplied what was earned."""
    rules = book.at(grant.at)
    rule = rules.rules[rule_of(grant.measure)] if rules and history else None
    if rule is None or history is None or not rule.by_tier:
        return ONE
    return rule.by_tier.get(history.judging(grant.at)["tier"], ONE)


def _fold_bought(archived: ArchivedTotals, before_day: int) -> None:
    """Of what is out of all windows it only matters that there was some, and when last."""
    old = [day for day in archived.bought if day < before_day]
    if old:
        number = sum([archived.bought.pop(day)[0] for day in old])
        archived.bought[max(old)] = [number, 0]


def _drop_expired(archived: ArchivedTotals, before_day: int) -> None:
    for lots in archived.lots.values():
        for expires in [day for day in lots if 0 < day < before_day]:
            del lots[expires]
