"""Counting one more touch without counting the others again.

``stream.engine.tally`` says what an account's facts come to. Its sums are kept, and a touch which
comes alone, of a day not before its rules' latest, is added to them: what a rule grants for that
day rises, and nothing else. Whatever is not as simple is counted anew, and so are the sums.
"""

from __future__ import annotations

from typing import NamedTuple

from stream.engine.calendar import day_of, month_of, start_of
from stream.engine.closing import boundaries
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import EarningRule, RuleBook, RuleSet
from stream.engine.state import Account, Newest, Sums
from stream.engine.tally import Tally, answers, capped, increase, judge
from stream.engine.touches import Touch


class Added(NamedTuple):
    """What the account amounts to with the touch, its outcome, and what to post."""

    tally: Tally
    outcome: Outcome
    accruals: list[tuple[str, int]]  # rule@version, points


def sums_of(tally: Tally, book: RuleBook, as_of: int) -> Sums:
    """The sums of an account which was counted as of ``as_of`` (ms)."""
    rules = book.at(as_of)
    return Sums(
        book=book.latest,
        version=rules.version if rules else 0,
        stale_at=tally.next_change or 0,
        seen=tally.seen,
        triggered=tally.triggered(rules.offers.triggers) if rules and rules.offers else -1,
        touches=tally.touches,
        newest=tally.newest,
    )


def add(account: Account, touch: Touch, book: RuleBook, as_of: int) -> Added | None:
    """Add a touch that no strand had to the sums; ``None`` if they must be counted anew.

    What rules grant for it is for the ledger to post.
    """
    sums, rules = account.sums, book.at(as_of)
    if sums is None or not _hold(sums, account, book, rules, as_of):
        return None
    if touch.time > as_of or not touch.is_plain:
        return None
    t = _tally(account, sums)
    outcome = judge(touch.time, t, book)
    accruals: list[tuple[str, int]] = []
    if outcome is Outcome.APPLIED:
        if t.enrolment is not None:  # it will be paid
            return None
        if touch.points and not _grant(account, sums, touch, book, as_of, accruals):
            return None
        increase(sums.touches, touch.touchpoint, 1)
        if touch.time > sums.triggered and _triggers(rules, touch.touchpoint):
            sums.triggered = touch.time
    if touch.time > sums.seen:
        sums.seen = touch.time
    increase(account.posted.outcomes, outcome.value, 1)
    t.seen, t.last_trigger, t.next_change = sums.seen, sums.triggered, sums.stale_at or None
    return Added(t, outcome, accruals)


def _hold(sums: Sums, account: Account, book: RuleBook, rules: RuleSet | None, as_of: int) -> bool:
    return (
        sums.book == book.latest
        and sums.version == (0 if rules is None else rules.version)
        and (not sums.stale_at or as_of < sums.stale_at)
        and account.closed_before == boundaries(book, as_of)
    )


def _triggers(rules: RuleSet | None, touchpoint: int) -> bool:
    """Whether it triggers offers."""
    return rules is not None and rules.offers is not None and touchpoint in rules.offers.triggers


def _tally(account: Account, sums: Sums) -> Tally:
    posted = account.posted
    t = Tally(
        granted=posted.granted,
        expired=posted.expired,
        outcomes=posted.outcomes,
        touches=sums.touches,
        newest=sums.newest,
        opt_in=account.erased is not None and account.erased.asked,
    )
    for strand in account.strands.values():
        if strand.consents or strand.enrolments:
            answers(account.strands.values(), t)
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
    """Whether nothing but what the rules grant for its day changes; then it has changed."""
    day = day_of(touch.time)
    rules = book.at(start_of(day))
    if rules is None:
        return True
    expires = 0 if rules.expiry_days is None else start_of(day + rules.expiry_days + 1)
    days: list[tuple[str, Newest, int]] = []  # rule, its day, what that grants more
    for rule_id, points in touch.points:
        known = sums.newest.get(rule_id)
        if (known is not None and day < known.day) or 0 < expires <= as_of:
            return False
        rule = rules.rules.get(rule_id)
        if rule is not None:
            newest = _newest(rule, known, day, points, account.posted.granted)
            today = known.granted if known is not None and known.day == day else 0
            days.append((rule_id, newest, newest.granted - today))
    for rule_id, newest, more in days:
        sums.newest[rule_id] = newest
        if more:
            accruals.append((f"{rule_id}@{rules.version}", more))
            if expires:
                sums.stale_at = min(sums.stale_at or expires, expires)
    return True


def _newest(
    rule: EarningRule, known: Newest | None, day: int, points: int, granted: dict[str, int]
) -> Newest:
    """The day with these points more."""
    in_month = today = lifetime = 0
    if known is not None:
        if known.day == day:
            points, today, in_month = points + known.points, known.granted, known.in_month
        elif month_of(known.day) == month_of(day):
            in_month = known.in_month + known.granted
    if rule.first_time or rule.caps.lifetime is not None:
        prefix = f"{rule.id}@"
        lifetime = sum([n for name, n in granted.items() if name.startswith(prefix)]) - today
    return Newest(day, points, capped(rule, points, in_month, lifetime), in_month)
