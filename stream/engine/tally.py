"""The heart: an account's points as a pure function of its facts, the rules and ``as_of``.

Caps are applied rule by rule over the days in their order, each day by the version in force on
it; so the result depends on which facts are in, and never on how they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stream.engine.calendar import day_of, month_of, start_of
from stream.engine.outcomes import Outcome
from stream.engine.ruleset import ConsentMode, EarningRule, RuleBook
from stream.engine.state import Account, Consent, Enrolment, Strand, Touch

#: rule id -> day -> points before caps
Cells = dict[str, dict[int, int]]
_month = lru_cache(maxsize=4096)(month_of)


@dataclass(slots=True)
class Tally:
    """What an account amounts to. Keys of ``granted`` and ``expired`` are ``rule@version``."""

    enrolment: Enrolment | None = None
    granted: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)  # outcome -> input records
    touches: Counter[int] = field(default_factory=Counter)  # touchpoint -> how many count
    latest: dict[int, int] = field(default_factory=dict)  # touchpoint -> time of the last, ms
    consents: list[Consent] = field(default_factory=list)  # by time
    next_change: int | None = None  # ms; when time alone will change the result
    seen: int = 0  # ms; time of the latest fact of any kind
    opt_in: bool = False  # whatever the rules say: the person asked to be forgotten

    @property
    def payable(self) -> int:
        """What enrolment pays: the balance of someone not enrolled, the due of a member."""
        return sum(self.granted.values()) - sum(self.expired.values())

    def wake(self, time: int) -> None:
        if self.next_change is None or time < self.next_change:
            self.next_change = time


@dataclass(frozen=True, slots=True)
class Grant:
    """Points which one rule grants for one day, after caps; ``expires`` is a day or 0."""

    rule: str
    day: int
    name: str  # rule@version
    points: int
    expires: int


def merge_touch(a: Touch, b: Touch) -> Touch:
    """The union of two copies of one touch: the higher rank holds, a tie is broken by content."""
    if a.rank == b.rank:
        held = min(a, b, key=lambda t: (t.time, t.touchpoint, t.points, t.void))
    else:
        held = a if a.rank > b.rank else b
    return Touch(held.time, held.touchpoint, held.points, held.rank, a.seen | b.seen, held.void)


def merged_touches(strands: Mapping[str, Strand]) -> dict[bytes, Touch]:
    """All touches of an account; one which came by two origins is one touch."""
    if len(strands) == 1:
        return next(iter(strands.values())).touches
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
    for touch in merged_touches(account.strands).values():
        t.seen = max(t.seen, touch.time)
        outcome = judge(touch, t, book)
        t.outcomes[outcome] += touch.seen.bit_count()
        if outcome is Outcome.APPLIED and not touch.void:
            if touch.time > until:
                t.wake(touch.time)
            else:
                _add(touch, t, cells)
    used = _closed(account.strands.values(), t, until)
    for grant in grants(cells, used, book):
        t.granted[grant.name] += grant.points
        _expire(grant.name, grant.expires, grant.points, until, t)
    return t


def judge(touch: Touch, t: Tally, book: RuleBook) -> Outcome:
    """The outcome of the records behind a touch (applied, member, parked or refused)."""
    if t.enrolment and touch.time > t.enrolment.time:
        return Outcome.MEMBER
    answer = standing(t.consents, touch.time)
    if answer is None:
        if not t.opt_in and consent_mode(book, touch.time) is ConsentMode.OPT_OUT:
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
            if _month(day) != month:  # counted under every version: a cap may come mid-month
                month, in_month = _month(day), 0
            points = _capped(rule, days[day], in_month, lifetime)
            lifetime, in_month = lifetime + points, in_month + points
            if points:
                expires = 0 if rules.expiry_days is None else day + rules.expiry_days + 1
                yield Grant(rule_id, day, f"{rule_id}@{rules.version}", points, expires)


def _capped(rule: EarningRule, points: int, in_month: int, lifetime: int) -> int:
    if rule.first_time:
        return 0 if lifetime else min(points, rule.points or 0)
    for cap, used in (
        (rule.caps.day, 0),
        (rule.caps.month, in_month),
        (rule.caps.lifetime, lifetime),
    ):
        if cap is not None:
            points = min(points, max(0, cap - used))
    return points


def _answers(strands: Iterable[Strand], as_of: int, t: Tally) -> None:
    """Enrolments and consents of all strands; the same event by two origins counts once."""
    enrolments: dict[bytes, Enrolment] = {}
    consents: dict[bytes, Consent] = {}
    for strand in strands:
        for key, enrolment in strand.enrolments.items():
            enrolments[key] = min(enrolment, enrolments.get(key, enrolment))
        for key, consent in strand.consents.items():
            consents[key] = min(consent, consents.get(key, consent))
    if enrolments:
        t.enrolment = min(enrolments.values())
    t.consents = sorted(consents.values())
    for consent in t.consents:
        t.seen = max(t.seen, consent.time)
        if consent.time > as_of:  # its clock is ahead of ours
            t.wake(consent.time)
    if records := len(enrolments) + len(consents):
        t.outcomes[Outcome.APPLIED] += records


def _add(touch: Touch, t: Tally, cells: Cells) -> None:
    t.touches[touch.touchpoint] += 1
    if touch.time > t.latest.get(touch.touchpoint, -1):
        t.latest[touch.touchpoint] = touch.time
    if touch.points:
        day = day_of(touch.time)
        for rule_id, points in touch.points:
            days = cells.setdefault(rule_id, {})
            days[day] = days.get(day, 0) + points


def _closed(strands: Iterable[Strand], t: Tally, until: int) -> Counter[str]:
    """Add closed totals; answers the points each rule has used up in them."""
    used: Counter[str] = Counter()
    for strand in strands:
        if strand.closed is None:
            continue
        t.seen = max(t.seen, strand.closed.latest)
        t.touches.update(strand.closed.touches)
        t.outcomes.update(strand.closed.outcomes)
        for name, points in strand.closed.granted.items():
            used[name.rpartition("@")[0]] += points
            t.granted[name] += points
            lots = strand.closed.lots.get(name, {})
            t.expired[name] += points - sum(lots.values())  # the rest expired and was dropped
            for expires, left in lots.items():
                _expire(name, expires, left, until, t)
    return used


def _expire(name: str, expires: int, points: int, until: int, t: Tally) -> None:
    if not expires:
        return
    at = start_of(expires)
    if at <= until:
        t.expired[name] += points
    elif t.enrolment is None:
        t.wake(at)
