"""The heart: an account's points as a pure function of its facts, the rules and ``as_of``.

Caps are applied rule by rule over the days in their order, each day by the version in force on
it; so the result depends on which facts are in, and never on how they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from stream.engine.calendar import day_of, month_of, start_of
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import ConsentMode, EarningRule, RuleBook
from stream.engine.state import Account, Consent, Enrolment, Newest, Strand
from stream.engine.touches import Touch

#: rule id -> day -> points before caps
Cells = dict[str, dict[int, int]]
_K = TypeVar("_K")


class Tally(msgspec.Struct):
    """What an account amounts to. Keys of ``granted`` and ``expired`` are ``rule@version``."""

    enrolment: Enrolment | None = None
    granted: dict[str, int] = {}
    expired: dict[str, int] = {}
    outcomes: dict[str, int] = {}  # outcome -> input records
    touches: dict[int, int] = {}  # touchpoint -> how many count
    latest: dict[int, int] = {}  # touchpoint -> time of the last, ms
    newest: dict[str, Newest] = {}  # by rule
    last_trigger: int | None = None  # ms; where ``latest`` is not known
    consents: list[Consent] = []  # by time
    next_change: int | None = None  # ms; when time alone will change the result
    seen: int = 0  # ms; time of the latest fact of any kind
    opt_in: bool = False  # whatever the rules say: the person asked to be forgotten

    @property
    def payable(self) -> int:
        """What enrolment pays: the balance of someone not enrolled, the due of a member."""
        granted = sum(self.granted.values())
        return granted - sum(self.expired.values()) if self.expired else granted

    def triggered(self, triggers: Iterable[int]) -> int:
        """The time, in ms, of the latest touch of these touchpoints; -1 if there is none."""
        if self.last_trigger is not None:
            return self.last_trigger
        return max((self.latest.get(touchpoint, -1) for touchpoint in triggers), default=-1)

    def wake(self, time: int) -> None:
        if self.next_change is None or time < self.next_change:
            self.next_change = time


class Grant(msgspec.Struct, frozen=True):
    """Points which one rule grants for one day, after caps; ``expires`` is a day or 0."""

    rule: str
    day: int
    name: str  # rule@version
    points: int
    expires: int
    in_month: int  # points it granted on earlier days of the month


def merge_touch(a: Touch, b: Touch) -> Touch:
    """The union of two copies of one touch: the higher rank holds, a tie is broken by content."""
    if a.rank == b.rank:
        held = min(a, b, key=lambda t: (t.time, t.touchpoint, t.points, t.void))
    else:
        held = a if a.rank > b.rank else b
    return Touch(held.time, held.touchpoint, held.points, held.rank, a.seen | b.seen, held.void)


def merged_touches(strands: Mapping[str, Strand]) -> dict[bytes, Touch]:
    """All touches of an account; one which came by two origins is one touch."""
    union: dict[bytes, Touch] = {}
    for strand in strands.values():
        for key, touch in strand.touches.items():
            known = union.get(key)
            union[key] = merge_touch(known, touch) if known else touch
    return union


def tally(account: Account, book: RuleBook, as_of: int) -> Tally:
    """Count everything in the account as it stands at ``as_of`` (ms)."""
    t = Tally(opt_in=account.erased is not None and account.erased.asked)
    _answers(account.strands.values(), as_of, t)
    until = t.enrolment.time if t.enrolment else as_of
    cells: Cells = {}
    for touch in _every_touch(account.strands):
        t.seen = max(t.seen, touch.time)
        outcome = judge(touch.time, t, book)
        increase(t.outcomes, outcome, touch.seen.bit_count())
        if outcome is Outcome.APPLIED and not touch.void:
            if touch.time > until:
                t.wake(touch.time)
            else:
                _add(touch, t, cells)
    used = _closed(account.strands.values(), t, until)
    for grant in grants(cells, used, book):
        before_caps = cells[grant.rule][grant.day]
        t.newest[grant.rule] = Newest(grant.day, before_caps, grant.points, grant.in_month)
        if grant.points:
            increase(t.granted, grant.name, grant.points)
            _expire(grant.name, grant.expires, grant.points, until, t)
    return t


def increase(counts: dict[_K, int], key: _K, number: int) -> None:
    """Add a number to one of many."""
    counts[key] = counts.get(key, 0) + number


def _every_touch(strands: Mapping[str, Strand]) -> Iterable[Touch]:
    if len(strands) == 1:
        return next(iter(strands.values())).touches.values()
    return merged_touches(strands).values()


def judge(time: int, t: Tally, book: RuleBook) -> Outcome:
    """The outcome of records about a touch at ``time`` (applied, member, parked or refused)."""
    if t.enrolment is not None and time > t.enrolment.time:
        return Outcome.MEMBER
    answer = standing(t.consents, time) if t.consents else None
    if answer is None:
        if not t.opt_in and consent_mode(book, time) is ConsentMode.OPT_OUT:
            return Outcome.APPLIED
        if not t.consents:
            return Outcome.PARKED
        answer = t.consents[0].granted  # the first answer covers what waited for it
    return Outcome.APPLIED if answer else Outcome.REFUSED


def standing(consents: list[Consent], time: int) -> bool | None:
    """The consumer's answer in force at ``time``; ``None`` before the first."""
    answer = None
    for consent in consents:
        if consent.time > time:
            break
        answer = consent.granted
    return answer


def consent_mode(book: RuleBook, time: int) -> ConsentMode:
    """What silence about consent meant at ``time``."""
    rules = book.at(time)
    return rules.consent if rules else ConsentMode.OPT_OUT


def grants(cells: Cells, used: Mapping[str, int], book: RuleBook) -> Iterator[Grant]:
    """Apply caps. ``used``: points per rule granted on days before all those in ``cells``."""
    for rule_id, days in cells.items():
        lifetime, month, in_month = used.get(rule_id, 0), -1, 0
        for day in sorted(days):
            rules = book.at(start_of(day))
            rule = rules.rules.get(rule_id) if rules else None
            if rules is None or rule is None:
                continue
            if month_of(day) != month:  # counted under every version: a cap may come mid-month
                month, in_month = month_of(day), 0
            points = capped(rule, days[day], in_month, lifetime)
            expires = 0 if rules.expiry_days is None else day + rules.expiry_days + 1
            yield Grant(rule_id, day, f"{rule_id}@{rules.version}", points, expires, in_month)
            lifetime, in_month = lifetime + points, in_month + points


def capped(rule: EarningRule, points: int, in_month: int, lifetime: int) -> int:
    """What a rule grants for a day; it granted so much on earlier ones of the month, and ever."""
    if rule.first_time:
        return 0 if lifetime else min(points, rule.points or 0)
    caps = rule.caps
    if caps.day is not None and points > caps.day:
        points = caps.day
    if caps.month is not None:
        points = min(points, max(0, caps.month - in_month))
    if caps.lifetime is not None:
        points = min(points, max(0, caps.lifetime - lifetime))
    return points


def answers(strands: Iterable[Strand], t: Tally) -> int:
    """Enrolment and consents of all strands; answers how many, by two origins each counts once."""
    enrolments: dict[bytes, Enrolment] = {}
    consents: dict[bytes, Consent] = {}
    for strand in strands:
        for key, enrolment in strand.enrolments.items():
            enrolments[key] = min(enrolment, enrolments.get(key, enrolment))
        for key, consent in strand.consents.items():
            consents[key] = min(consent, consents.get(key, consent))
    if enrolments:
        t.enrolment = min(enrolments.values())
    if consents:
        t.consents = sorted(consents.values())
    return len(enrolments) + len(consents)


def _answers(strands: Iterable[Strand], as_of: int, t: Tally) -> None:
    if records := answers(strands, t):
        increase(t.outcomes, Outcome.APPLIED, records)
    for consent in t.consents:
        t.seen = max(t.seen, consent.time)
        if consent.time > as_of:  # its clock is ahead of ours
            t.wake(consent.time)


def _add(touch: Touch, t: Tally, cells: Cells) -> None:
    increase(t.touches, touch.touchpoint, 1)
    if touch.time > t.latest.get(touch.touchpoint, -1):
        t.latest[touch.touchpoint] = touch.time
    if touch.points:
        day = day_of(touch.time)
        for rule_id, points in touch.points:
            days = cells.setdefault(rule_id, {})
            days[day] = days.get(day, 0) + points


def _closed(strands: Iterable[Strand], t: Tally, until: int) -> dict[str, int]:
    """Add closed totals; answers the points each rule has used up in them."""
    used: dict[str, int] = {}
    for strand in strands:
        if strand.closed is None:
            continue
        t.seen = max(t.seen, strand.closed.latest)
        for touchpoint, count in strand.closed.touches.items():
            increase(t.touches, touchpoint, count)
        for outcome, count in strand.closed.outcomes.items():
            increase(t.outcomes, outcome, count)
        for name, points in strand.closed.granted.items():
            increase(used, name.rpartition("@")[0], points)
            increase(t.granted, name, points)
            lots = strand.closed.lots.get(name, {})
            # the rest expired and was dropped
            increase(t.expired, name, points - sum(lots.values()))
            for expires, left in lots.items():
                _expire(name, expires, left, until, t)
    return used


def _expire(name: str, expires: int, points: int, until: int, t: Tally) -> None:
    if not expires:
        return
    at = start_of(expires)
    if at <= until:
        increase(t.expired, name, points)
    elif t.enrolment is None:
        t.wake(at)
