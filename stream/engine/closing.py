"""Closing: touches beyond the horizon fold into totals, so that an old account stays small.

Whole months close, so that a month's cap is never split. What was granted stays granted: caps
are settled at closing, touch by touch in order of time, and the share of each origin's touches is
kept in its strand, so that the origin can still leave exactly.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

from stream.engine.calendar import day_of, first_day_of, month_of
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import RuleBook
from stream.engine.state import Account, Closed, Strand
from stream.engine.tally import Cells, Tally, grants, increase, judge, merge_touch
from stream.engine.touches import Touch
from stream.engine.touchpoints import Touchpoint


def boundaries(book: RuleBook, as_of: int) -> tuple[int, int]:
    """The first open day of purchases, and of the rest, at ``as_of`` (ms)."""
    return _boundaries(day_of(as_of), book.payment_horizon_days, book.horizon_days)


@lru_cache(maxsize=1024)
def _boundaries(day: int, *horizons_days: int) -> tuple[int, int]:
    purchases, rest = (first_day_of(month_of(day - days)) for days in horizons_days)
    return purchases, rest


def is_beyond(first_open: tuple[int, int], touchpoint: int, time: int) -> bool:
    """Whether a touch of that time (ms) is on a closed day."""
    purchases, rest = first_open
    return day_of(time) < (purchases if touchpoint == Touchpoint.PURCHASE else rest)


def is_due(account: Account, book: RuleBook, as_of: int) -> bool:
    """Whether something must be folded; if not, the account is closed as it is."""
    bounds = boundaries(book, as_of)
    if bounds == account.closed_before:
        return False
    touches = (touch for strand in account.strands.values() for touch in strand.touches.values())
    if any(is_beyond(bounds, touch.touchpoint, touch.time) for touch in touches):
        return True
    account.closed_before = bounds
    return False


def close(account: Account, tally: Tally, book: RuleBook, as_of: int) -> None:
    """Fold what is beyond the horizon; ``tally`` is the account's, and stays true."""
    account.closed_before = boundaries(book, as_of)
    old = _take_old(account)
    if old:
        _settle(account, old, tally, book)
    until = min(as_of, tally.enrolment.time) if tally.enrolment else as_of
    for strand in account.strands.values():
        if strand.closed is not None:
            _drop_expired(strand.closed, day_of(until) - book.horizon_days)


def merge_closed(mine: Closed | None, theirs: Closed | None) -> Closed | None:
    """The sum of two strands' totals."""
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
    mine.latest = max(mine.latest, theirs.latest)
    return mine


#: (time, marker, strand, touch)
_Old = list[tuple[int, bytes, Strand, Touch]]


def _take_old(account: Account) -> _Old:
    old: dict[bytes, tuple[Strand, Touch]] = {}
    bounds = account.closed_before
    for _, strand in sorted(account.strands.items()):
        keys = [k for k, t in strand.touches.items() if is_beyond(bounds, t.touchpoint, t.time)]
        for key in keys:
            touch = strand.touches.pop(key)
            if key in old:  # the same touch by two origins counts once, where it ranks higher
                first, known = old[key]
                holder = strand if touch.rank > known.rank else first
                old[key] = holder, merge_touch(known, touch)
            else:
                old[key] = strand, touch
    return sorted(((t.time, k, s, t) for k, (s, t) in old.items()), key=lambda item: item[:2])


def _settle(account: Account, old: _Old, tally: Tally, book: RuleBook) -> None:
    used: dict[str, int] = {}
    for strand in account.strands.values():
        for name, points in strand.closed.granted.items() if strand.closed else ():
            increase(used, name.rpartition("@")[0], points)
    cells: Cells = {}
    counting: _Old = []
    for item in old:
        _, _, strand, touch = item
        if strand.closed is None:
            strand.closed = Closed()
        strand.closed.latest = max(strand.closed.latest, touch.time)
        outcome = judge(touch.time, tally, book)
        increase(strand.closed.outcomes, str(outcome), touch.seen.bit_count())
        if outcome is Outcome.APPLIED and not touch.void:
            increase(strand.closed.touches, touch.touchpoint, 1)
            counting.append(item)
            for rule_id, points in touch.points:
                days = cells.setdefault(rule_id, {})
                days[day_of(touch.time)] = days.get(day_of(touch.time), 0) + points
    for grant in filter(attrgetter("points"), grants(cells, used, book)):
        left = grant.points
        for time, _, strand, touch in counting:
            share = min(left, dict(touch.points).get(grant.rule, 0))
            if share and day_of(time) == grant.day and strand.closed is not None:
                left -= share
                increase(strand.closed.granted, grant.name, share)
                increase(strand.closed.lots.setdefault(grant.name, {}), grant.expires, share)


def _drop_expired(closed: Closed, before_day: int) -> None:
    for lots in closed.lots.values():
        for expires in [day for day in lots if 0 < day < before_day]:
            del lots[expires]
