# SPDX-License-Identifier: Apache-2.0
"""Add one touch to what an account amounts to, without counting the others again.

``stream.engine.points.balance`` says what an account's facts come to. Its sums are kept, and a
touch which comes alone, not before its rules' latest day, is added to them: what a rule grants for
that day rises, and nothing else. Where more could change, everything is counted again.
"""

from __future__ import annotations

from typing import NamedTuple

from stream.engine.model.calendar import DAY_MS, day_of, month_of, start_of, week_of
from stream.engine.model.classes import UNCLASSED, Classes, fits
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import BONUS, STEP, Caps, EarningRule, RuleBook, RuleSet
from stream.engine.model.state import Account, Newest, Sums
from stream.engine.model.touches import Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.archive import boundary
from stream.engine.points.balance import (
    BOUGHT,
    AccountView,
    answers,
    cell_of,
    increase,
    judge,
    note_latest,
)
from stream.engine.points.caps import capped
from stream.engine.points.classes.history import multiplied
from stream.engine.points.classes.one_more import with_purchase
from stream.engine.points.classes.timeline import EVER, NEVER
from stream.engine.points.kinds import kind_of
from stream.engine.points.kinds.kind import Before, State
from stream.engine.points.recent import note


class Added(NamedTuple):
    """What the account amounts to with the touch, its outcome, and what to post."""

    view: AccountView
    outcome: Outcome
    accruals: list[tuple[str, int]]  # measure@version, points


def sums_of(view: AccountView, book: RuleBook, as_of: int) -> Sums:
    """The sums of an account which was counted as of ``as_of`` (ms)."""
    rules = book.at(as_of)
    return Sums(
        book=book.latest,
        version=rules.version if rules else 0,
        stale_at=view.next_change or 0,
        seen=view.seen,
        touches=view.touches,
        latest=view.latest,
        newest=view.newest,
        pending=view.pending,
        standing=view.standing,
        recent=view.recent,
        waiting=view.waiting_for_consent,
        silent=view.silent,
    )


def add(account: Account, touch: Touch, book: RuleBook, as_of: int) -> Added | None:
    """Add a touch that no origin had to the sums; ``None`` if all must be counted again.

    What rules grant for it is for the ledger to post.
    """
    sums, rules = account.sums, book.at(as_of)
    if sums is None or not _hold(sums, account, book, rules, as_of):
        return None
    if touch.time > as_of or not touch.is_plain:
        return None
    silences = rules.silences if rules is not None else ()
    if silences and _breaks_silence(sums, touch.time, silences[0], as_of):
        return None
    t = _view(account, sums, as_of)
    outcome = judge(touch.time, t, book)
    standing, stays = sums.standing, NEVER
    if standing is not None:
        if touch.time < standing.begins:
            return None
        if touch.touchpoint == Touchpoint.PURCHASE and outcome in BOUGHT:
            more = with_purchase(standing, rules, touch.time, touch.fen, as_of, sums.seen)
            if more is None:
                return None
            standing, stays = more
    accruals: list[tuple[str, int]] = []
    if outcome is Outcome.APPLIED:
        if t.enrolment is not None:  # it will be paid
            return None
        if touch.points and not _grant(account, sums, touch, book, as_of, accruals):
            return None
        increase(sums.touches, touch.touchpoint, 1)
        note_latest(sums.latest, touch.touchpoint, touch.time)
    elif outcome is Outcome.PARKED:
        note_latest(sums.waiting, touch.touchpoint, touch.time)
    if standing is not sums.standing and standing is not None:
        sums.standing = t.standing = standing
        t.classes = standing.classes
        if stays < NEVER:
            sums.stale_at = min(sums.stale_at or stays, stays)
    if rules is not None and rules.nudges is not None and outcome in BOUGHT:
        note(sums.recent, touch.touchpoint, touch.time, rules.nudges.wanted)
    if touch.time > sums.seen:
        for days in silences:
            if sums.seen and sums.seen + days * DAY_MS < touch.time:
                sums.silent[days] = sums.seen + days * DAY_MS
            ends = touch.time + days * DAY_MS
            sums.stale_at = min(sums.stale_at or ends, ends)
        sums.seen = touch.time
    increase(account.posted.outcomes, outcome.value, 1)
    t.seen, t.next_change = sums.seen, sums.stale_at or None
    return Added(t, outcome, accruals)


def _hold(sums: Sums, account: Account, book: RuleBook, rules: RuleSet | None, as_of: int) -> bool:
    return (
        sums.book == book.latest
        and sums.version == (0 if rules is None else rules.version)
        and (not sums.stale_at or as_of < sums.stale_at)
        and account.archived_before == boundary(book, as_of)
    )


def _breaks_silence(sums: Sums, time: int, days: int, as_of: int) -> bool:
    """Whether a touch of that time may have ended a silence that was counted, or is over itself."""
    over = max(sums.silent.values(), default=-1)
    return time < sums.seen or time <= over or time + days * DAY_MS <= as_of


def _view(account: Account, sums: Sums, as_of: int) -> AccountView:
    posted = account.posted
    if sums.pending:
        pending = sums.pending.items()
        sums.pending = {day: points for day, points in pending if start_of(day) > as_of}
    t = AccountView(
        granted=posted.granted,
        expired=posted.expired,
        outcomes=posted.outcomes,
        touches=sums.touches,
        latest=sums.latest,
        waiting_for_consent=sums.waiting,
        silent=sums.silent,
        newest=sums.newest,
        pending=sums.pending,
        recent=sums.recent,
        opt_in=account.erased is not None and account.erased.asked,
    )
    if (standing := sums.standing) is not None:
        t.standing, t.classes = standing, standing.classes
    for origin_facts in account.facts_by_origin.values():
        if origin_facts.consents or origin_facts.enrolments:
            answers(account.facts_by_origin.values(), t)
            break
    return t


def _grant(
    account: Account,
    sums: Sums,
    touch: Touch,
    book: RuleBook,
    as_of: int,
    accruals: list[tuple[str, int]],
) -> bool:
    """Whether nothing but what the rules grant for its cell changes; then it has changed."""
    standing = sums.standing
    day = day_of(touch.time)
    cell = cell_of(touch.time, book, standing.cell if standing else EVER)
    rules = book.at(touch.time)
    if rules is None:
        return True
    expires = 0 if rules.expiry_days is None else start_of(day + rules.expiry_days + 1)
    parts: list[tuple[_Counted, Newest, int]] = []  # its cell, what that grants more
    for measure, earned in _by_measure(touch):
        known = sums.newest.get(measure)
        if (known is not None and cell < known.at) or 0 < expires <= as_of:
            return False
        if measure in book.coupled:
            return False
        rule = rules.rules.get(measure.partition(BONUS)[0])
        if rule is not None and (standing is None or fits(rule.who, standing.classes)):
            _, caps = next(rules.limits(measure))  # what is not coupled has one that limits
            if known is None and caps.week is not None and account.archived_before:
                return False  # some of the week may be archived
            counted = _Counted(measure, rule, caps)
            classes = standing.classes if standing else UNCLASSED
            newest = _newest(counted, known, cell, earned, account.posted.granted, book, classes)
            before = known.granted if known is not None and known.at == cell else 0
            parts.append((counted, newest, newest.granted - before))
    for (measure, rule, _), newest, more in parts:
        sums.newest[measure] = newest
        if more:
            accruals.append((f"{measure}@{rules.version}", more))
            ripe = day + rule.pending_days + 1
            if rule.pending_days and start_of(ripe) > as_of:
                increase(sums.pending, ripe, more)
            if expires:
                sums.stale_at = min(sums.stale_at or expires, expires)
    return True


class _Counted(NamedTuple):
    """A measure, the rule that it is of, and its own caps."""

    measure: str
    rule: EarningRule
    caps: Caps


def _by_measure(touch: Touch) -> list[tuple[str, int]]:
    """What the touch counts for, with the steps of a rule joined: a bit for each."""
    if not any(STEP in name for name, _ in touch.points):
        return touch.points
    found: dict[str, int] = {}
    for name, earned in touch.points:
        rule_id, _, number = name.partition(STEP)
        found[rule_id] = found.get(rule_id, 0) | 1 << int(number) if number else earned
    return list(found.items())


def _newest(
    counted: _Counted,
    known: Newest | None,
    cell: int,
    earned: int,
    granted: dict[str, int],
    book: RuleBook,
    classes: Classes,
) -> Newest:
    """The cell in which so much more was earned."""
    measure, rule, caps = counted
    kind, day, here = kind_of(rule), day_of(cell), 0
    memory = kind.memory
    state: State = ()
    in_day = in_week = in_month = lifetime = 0
    if known is not None and known.at == cell:
        earned = memory.join(known.points, earned) if memory else known.points + earned
        here, state = known.granted, known.state
        in_day, in_week, in_month = known.in_day, known.in_week, known.in_month
    elif known is not None:
        latest = day_of(known.at)
        if month_of(latest) == month_of(day):
            in_month = known.in_month + known.granted
        if week_of(latest) == week_of(day):
            in_week = known.in_week + known.granted
            in_day = known.in_day + known.granted if latest == day else 0
        if memory:
            state = state_after(rule, known, book)
    if kind.once or caps.lifetime is not None:
        prefix = f"{measure}@"
        lifetime = sum([n for name, n in granted.items() if name.startswith(prefix)]) - here
    before = Before(in_day, in_week, in_month, lifetime)
    if memory is None:
        worth = multiplied(rule, earned, classes) if rule.by_tier else earned
        points = kind.grant(rule, worth, before)
    else:
        _, points = memory.play(rule, state, day, earned)
    points = capped(caps, points, before)
    return Newest(cell, earned, points, in_day, in_week, in_month, state)


def state_after(rule: EarningRule, known: Newest, book: RuleBook) -> State:
    """What a kind remembers after a cell, if it was of the same kind then."""
    rules = book.at(known.at)
    then = rules.rules.get(rule.id) if rules else None
    memory = kind_of(rule).memory
    if then is None or memory is None or kind_of(then) is not kind_of(rule):
        return ()
    return memory.play(then, known.state, day_of(known.at), known.points)[0]
