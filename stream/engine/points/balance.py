# SPDX-License-Identifier: Apache-2.0
"""An account's points as a pure function of its facts, the rules and ``as_of``.

Caps are applied rule by rule over the days in their order, and within a day over the versions in
force on it; so the result depends on which facts are in, and never on how they came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from stream.engine.model.calendar import day_of, start_of
from stream.engine.model.classes import UNCLASSED, Classes
from stream.engine.model.facts import DISPUTED_RANK, Fact
from stream.engine.model.outcomes import Outcome
from stream.engine.model.page import Column, Page, Summary
from stream.engine.model.ruleset import (
    BONUS,
    STEP,
    Caps,
    ConsentMode,
    EarningRule,
    RuleBook,
    RuleSet,
)
from stream.engine.model.state import (
    Account,
    Answer,
    Consent,
    Enrolment,
    Newest,
    OriginFacts,
    Standing,
    StatedBirthday,
)
from stream.engine.model.touches import Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.birthdays import happened, stated, upcoming
from stream.engine.points.caps import NOTHING_USED, Limiter, Used, binding, capped, used_up
from stream.engine.points.classes.bought import Counting, Day, bought
from stream.engine.points.classes.history import History, multiplied
from stream.engine.points.classes.timeline import EVER
from stream.engine.points.earning import earn
from stream.engine.points.kinds import kind_of
from stream.engine.points.kinds.kind import Before, Kind, State
from stream.engine.points.recent import Recent, recent_touches
from stream.engine.points.silence import silences

#: Measure -> cell -> what its touches earned, before caps. A cell is a day, or as much of it as one
#: version is in force; it goes by the instant (ms) at which it begins.
Cells = dict[str, dict[int, int]]
_K = TypeVar("_K")


class AccountView(msgspec.Struct):
    """What an account amounts to. Keys of ``granted`` and ``expired`` are ``measure@version``."""

    enrolment: Enrolment | None = None
    granted: dict[str, int] = {}
    expired: dict[str, int] = {}
    pending: dict[int, int] = {}  # day from whose midnight on they are paid -> points
    outcomes: dict[str, int] = {}  # outcome -> input records
    touches: dict[int, int] = {}  # touchpoint -> how many count
    latest: dict[int, int] = {}  # touchpoint -> time of the last, ms
    newest: dict[str, Newest] = {}  # by measure
    waiting_for_consent: dict[int, int] = {}  # touchpoint -> time of the last, ms
    silent: dict[int, int] = {}  # days -> when the consumer had been silent for so many, ms
    consents: list[Consent] = []  # by time, those which change something
    next_change: int | None = None  # ms; when time alone will change the result
    seen: int = 0  # ms; time of the latest fact of any kind
    classes: Classes = UNCLASSED  # as of now
    standing: Standing | None = None  # in them; None: the rules know no classes
    recent: Recent = {}  # what nudges wait for
    history: Any = None  # the ``History`` of them, after a full count
    opt_in: bool = False  # whatever the rules say: the person asked to be forgotten

    @property
    def payable(self) -> int:
        """What enrolment pays in the end: the balance of someone not enrolled."""
        granted = sum(self.granted.values())
        return granted - sum(self.expired.values()) if self.expired else granted

    @property
    def waiting(self) -> int:
        """How many of the payable points are not paid yet, since they may be taken back."""
        return sum(self.pending.values())

    @property
    def dues(self) -> dict[str, int]:
        """What must have been paid: member -> points."""
        if self.enrolment is None:
            return {}
        return {self.enrolment.member_id: self.payable - self.waiting}

    @property
    def left(self) -> int:
        """The balance: what there is, or of a member what is not paid yet."""
        return self.payable if self.enrolment is None else self.waiting

    def wake(self, time: int) -> None:
        if self.next_change is None or time < self.next_change:
            self.next_change = time


class Cut(NamedTuple):
    """What a cap took of a cell's points: ``limit`` is a rule's, a group's or a campaign's name."""

    limit: str
    period: str  # day, week, month or lifetime
    points: int  # without it


class Grant(msgspec.Struct, frozen=True):
    """Points which one rule, or a campaign for it, grants for one cell, after caps.

    At the beginning of a day they are ripe to be paid, and that of another they expire; 0: never.
    """

    measure: str
    at: int  # the cell
    name: str  # measure@version
    points: int
    ripe: int
    expires: int
    before: Before  # what of its own limit was granted before
    state: State  # of its kind, before
    cut: Cut | None = None  # by the last cap that took some


def merge_touch(a: Touch, b: Touch) -> Touch:
    """The union of two copies of one touch: the higher rank holds, a tie is broken by content."""
    if a.rank == b.rank:
        held = min(a, b, key=lambda t: (t.time, t.touchpoint, t.points, t.void, t.fen))
    else:
        held = a if a.rank > b.rank else b
    return msgspec.structs.replace(held, seen=a.seen | b.seen)


def merged_touches(facts_by_origin: Mapping[str, OriginFacts]) -> dict[bytes, Touch]:
    """All touches of an account; one which came by two origins is one touch."""
    union: dict[bytes, Touch] = {}
    for origin_facts in facts_by_origin.values():
        for key, touch in origin_facts.touches.items():
            known = union.get(key)
            union[key] = merge_touch(known, touch) if known else touch
    return union


def evaluate(
    account: Account, book: RuleBook, as_of: int, found: list[Grant] | None = None
) -> AccountView:
    """Count everything in the account as it stands at ``as_of`` (ms).

    The grants are added to ``found``, those that a cap left nothing of, too, but none of archived
    touches.
    """
    t = AccountView(opt_in=account.erased is not None and account.erased.asked)
    _answers(account.facts_by_origin.values(), as_of, t)
    until = t.enrolment.time if t.enrolment else as_of
    cells: Cells = {}
    pages = [page for facts in account.facts_by_origin.values() for page in facts.touches.pages]
    odd, stretches = _odd(pages), Stretches(t, book, until)
    history = None
    if book.classed:
        history = History(book, _bought(account, pages, odd, stretches))
        _classify(t, history, book, as_of)
        stretches.rises = history.rises
    if book.nudging:
        _recall(account, pages, odd, stretches, t, book, as_of)
    _count(pages, odd, t, stretches, cells)
    if known := stated(account.facts_by_origin.values()):
        _birthdays(known, t, stretches, book, until, cells)
    if history is not None:
        history.admit(cells)
    _archived(account.facts_by_origin.values(), t, until, cells)
    totals = [facts.archived for facts in account.facts_by_origin.values() if facts.archived]
    used = used_up(totals, book) if totals else NOTHING_USED
    for grant in grants(cells, used, book, history):
        earned = cells[grant.measure][grant.at]
        in_day, in_week, in_month, _ = grant.before
        newest = Newest(grant.at, earned, grant.points, in_day, in_week, in_month, grant.state)
        t.newest[grant.measure] = newest
        if found is not None and (grant.points or grant.cut):
            found.append(grant)
        if grant.points:
            increase(t.granted, grant.name, grant.points)
            _expire(grant.name, grant.expires, grant.points, until, t)
            _ripen(grant, as_of, t)
    rules = book.at(as_of)
    if rules is not None and rules.silences:
        _silences(_heard(account, pages, odd), rules.silences, as_of, t)
    return t


def _heard(account: Account, pages: list[Page], odd: Mapping[bytes, Touch]) -> Iterator[Column]:
    """When the consumer was heard of; what came by two origins was heard once."""
    yield from (page.columns()[0] for page in pages if page.rows)
    facts_by_origin = account.facts_by_origin.values()
    singly = [touch.time for touch in odd.values()]
    singly += [consent.time for consent in _merged_consents(facts_by_origin).values()]
    singly += [facts.archived.latest for facts in facts_by_origin if facts.archived]
    yield np.array(singly, np.int64)


def _silences(heard: Iterable[Column], wanted: Iterable[int], as_of: int, t: AccountView) -> None:
    for days, ends in silences(heard, wanted).items():
        over, ahead = ends[ends <= as_of], ends[ends > as_of]
        if len(over):
            t.silent[days] = int(over[-1])
        if len(ahead):
            t.wake(int(ahead[0]))


def purchases_of(account: Account, book: RuleBook, as_of: int) -> list[Day]:
    """What the consumer bought, as far as it counts for classes, by days."""
    t = AccountView(opt_in=account.erased is not None and account.erased.asked)
    _answers(account.facts_by_origin.values(), as_of, t)
    pages = [page for facts in account.facts_by_origin.values() for page in facts.touches.pages]
    until = t.enrolment.time if t.enrolment else as_of
    return _bought(account, pages, _odd(pages), Stretches(t, book, until))


def _bought(
    account: Account, pages: list[Page], odd: Mapping[bytes, Touch], stretches: Stretches
) -> list[Day]:
    apart = [
        (touch.time, touch.fen)
        for touch in odd.values()
        if touch.touchpoint == Touchpoint.PURCHASE
        and not touch.void
        and touch.rank < DISPUTED_RANK
        and stretches.outcome(stretches.at(touch.time)) in BOUGHT
    ]
    facts_by_origin = account.facts_by_origin.values()
    archived = [facts.archived.bought for facts in facts_by_origin if facts.archived]
    return bought(pages, apart, archived, stretches.counting(BOUGHT))


def _classify(t: AccountView, history: History, book: RuleBook, as_of: int) -> None:
    """Say in the view who the consumer is, and wake it when time alone changes that."""
    t.history, t.standing = history, history.standing(as_of)
    t.classes = t.standing.classes
    for time in (history.next_change(as_of), book.next_change(as_of)):
        if time is not None:
            t.wake(time)


def _recall(
    account: Account,
    pages: list[Page],
    odd: Mapping[bytes, Touch],
    stretches: Stretches,
    t: AccountView,
    book: RuleBook,
    as_of: int,
) -> None:
    """Say in the view what nudges wait for, and wake it when more of that comes by itself."""
    rules = book.at(as_of)
    wanted = rules.nudges.wanted if rules and rules.nudges else {}
    apart = [
        (touch.touchpoint, touch.time)
        for touch in odd.values()
        if not touch.void
        and touch.rank < DISPUTED_RANK
        and stretches.outcome(stretches.at(touch.time)) in BOUGHT
    ]
    if Touchpoint.BIRTHDAY in wanted and (known := stated(account.facts_by_origin.values())):
        times = [*happened(known, as_of), *filter(None, [upcoming(known, as_of)])]
        apart += [
            (Touchpoint.BIRTHDAY, time)
            for time in times
            if stretches.outcome(stretches.at(time)) in BOUGHT
        ]
    t.recent, ahead = recent_touches(pages, apart, stretches.counting(BOUGHT), wanted, as_of)
    for time in (ahead, book.next_change(as_of)):
        if time is not None:
            t.wake(time)


#: The outcomes of touches which count for classes and nudges.
BOUGHT = frozenset({Outcome.APPLIED, Outcome.MEMBER})


def increase(counts: dict[_K, int], key: _K, number: int) -> None:
    """Add a number to one of many."""
    counts[key] = counts.get(key, 0) + number


def note_latest(times: dict[int, int], touchpoint: int, time: int) -> None:
    """Note a touch where the last of each touchpoint is noted."""
    if time > times.get(touchpoint, -1):
        times[touchpoint] = time


class Stretches:
    """Time cut where the outcome of a touch may change, and where counting ends (``until``, ms).

    Where the consumer has enrolled it ends with that.
    """

    def __init__(self, t: AccountView, book: RuleBook, until: int) -> None:
        cuts = {until + 1, *(consent.time for consent in t.consents)}
        cuts.update(version.effective_ms for version in book.versions)
        self._cuts = sorted(cuts)
        starts = (self._cuts[0] - 1, *self._cuts)
        self._outcomes = [judge(time, t, book) for time in starts]
        self._since = [since(time, book) for time in starts]
        self._until = until
        self.rises: list[int] = []  # when something bought changes what rules grant, if they ask

    def at(self, time: int) -> int:
        """The number of the stretch in which a time (ms) lies."""
        return bisect_right(self._cuts, time)

    def outcome(self, number: int) -> Outcome:
        """The outcome of touches in it."""
        return self._outcomes[number]

    def cell(self, number: int, begins: int) -> int:
        """The cell of what is of a day in it, or of the part of one that begins then."""
        return max(begins, self._since[number])

    def begin(self, time: int) -> int:
        """When the day of a time (ms) begins, or the part of it since the last rise."""
        begins = start_of(day_of(time))
        if len(self.rises) > 1:
            return max(begins, self.rises[bisect_right(self.rises, time) - 1])
        return begins

    def counting(self, outcomes: Container[Outcome]) -> Counting:
        """In which stretches there are such outcomes."""
        counts = [outcome in outcomes for outcome in self._outcomes]
        return Counting(np.array(self._cuts, np.int64), np.array(counts))

    def is_ahead(self, number: int) -> bool:
        """Whether it is yet to come, or after the enrolment."""
        return number > 0 and self._cuts[number - 1] > self._until

    def split(self, page: Page) -> Iterator[tuple[int, Summary, bool]]:
        """What the rows of a page come to, by stretch; whether it is by days, or parts of them."""
        whole = page.summary
        if whole is None or self.at(whole.earliest) != self.at(whole.latest):
            times, _ = page.columns()
            numbers = np.searchsorted(np.array(self._cuts, np.int64), times, "right")
            found = np.flatnonzero(np.bincount(numbers)).tolist()
            if len(found) > 1:
                rises = self._rises_in(int(times.min()), int(times.max()))
                for number in found:
                    yield number, page.summarise(numbers == number, rises), rises is None
                return
        whole = page.summed()
        rises = self._rises_in(whole.earliest, whole.latest)
        if rises is not None:
            whole = page.summarise(cuts=rises)
        yield self.at(whole.latest), whole, rises is None

    def _rises_in(self, earliest: int, latest: int) -> Column | None:
        """The rises from the first day on until the last time, if any, and the one before."""
        if len(self.rises) < 2:
            return None
        first = bisect_right(self.rises, start_of(day_of(earliest)))
        last = bisect_right(self.rises, latest)
        return np.array(self.rises[first - 1 : last], np.int64) if last > first else None


def _odd(pages: Iterable[Page]) -> dict[bytes, Touch]:
    """All touches which stand apart; one which came by two origins is one touch."""
    odd: dict[bytes, Touch] = {}
    for page in pages:
        for marker, touch in page.odd.items():
            known = odd.get(marker)
            odd[marker] = merge_touch(known, touch) if known else touch
    return odd


def _count(
    pages: Iterable[Page],
    odd: Mapping[bytes, Touch],
    t: AccountView,
    stretches: Stretches,
    cells: Cells,
) -> None:
    """Count all touches: pages as a whole where they lie in one stretch, and odd ones singly."""
    for page in pages:
        if page.rows:
            for number, summary, by_days in stretches.split(page):
                _add_summary(summary, by_days, stretches, number, t, cells)
    for touch in odd.values():
        t.seen = max(t.seen, touch.time)
        number = stretches.at(touch.time)
        refused = touch.rank >= DISPUTED_RANK
        outcome = Outcome.REFUSED if refused else stretches.outcome(number)
        increase(t.outcomes, outcome, touch.seen.bit_count())
        if outcome is Outcome.PARKED and not touch.void:
            note_latest(t.waiting_for_consent, touch.touchpoint, touch.time)
        if outcome is Outcome.APPLIED and not touch.void:
            if stretches.is_ahead(number):
                t.wake(touch.time)
            else:
                _add(touch, stretches.cell(number, stretches.begin(touch.time)), t, cells)


def _add_summary(
    summary: Summary,
    by_days: bool,
    stretches: Stretches,
    number: int,
    t: AccountView,
    cells: Cells,
) -> None:
    t.seen = max(t.seen, summary.latest)
    outcome = stretches.outcome(number)
    increase(t.outcomes, outcome, summary.number)
    if outcome is Outcome.PARKED:
        for touchpoint, time in summary.last.items():
            note_latest(t.waiting_for_consent, touchpoint, time)
    if outcome is not Outcome.APPLIED:
        return
    if stretches.is_ahead(number):
        t.wake(summary.earliest)
        return
    for touchpoint, count in summary.touches.items():
        increase(t.touches, touchpoint, count)
        note_latest(t.latest, touchpoint, summary.last[touchpoint])
    for rule, days in summary.cells.items():
        mine = cells.setdefault(rule, {})
        for day, points in days.items():
            cell = stretches.cell(number, start_of(day) if by_days else day)
            mine[cell] = mine.get(cell, 0) + points


def since(time: int, book: RuleBook) -> int:
    """Since when the version in force at ``time`` has been; a very early time before the first."""
    rules = book.at(time)
    return rules.effective_ms if rules else EVER


def cell_of(time: int, book: RuleBook, risen: int = EVER) -> int:
    """The cell of a touch at ``time``; ``risen``: when its classes changed by a purchase."""
    return max(start_of(day_of(time)), since(time, book), risen)


def judge(time: int, t: AccountView, book: RuleBook) -> Outcome:
    """The outcome of records about a touch at ``time`` (applied, member, parked or refused).

    The table stands in docs/rules.md, under "Consent".
    """
    if t.enrolment is not None and time > t.enrolment.time:
        return Outcome.MEMBER
    number = bisect_right(t.consents, time, key=_time_of)
    if number and t.consents[number - 1].answer is not Answer.PAUSED:
        return _BY_ANSWER[t.consents[number - 1].answer]
    if not number and not t.opt_in and consent_mode(book, time) is ConsentMode.OPT_OUT:
        return Outcome.APPLIED
    for consent in t.consents[number : number + 2]:  # never two pauses in a row
        if consent.answer is not Answer.PAUSED:
            return _BY_ANSWER[consent.answer]
    return Outcome.PARKED


def consent_at(consents: list[Consent], time: int) -> bool | None:
    """Whether the answer in force at ``time`` is a grant; ``None`` before the first answer."""
    number = bisect_right(consents, time, key=_time_of)
    return consents[number - 1].answer is Answer.GRANTED if number else None


_time_of = attrgetter("time")
_BY_ANSWER = {Answer.GRANTED: Outcome.APPLIED, Answer.WITHDRAWN: Outcome.REFUSED}


def _in_force(consents: Iterable[Consent]) -> list[Consent]:
    """Answers by time, without those which change nothing: the same again, a pause of nothing."""
    in_force: list[Consent] = []
    for consent in sorted(consents):
        before = in_force[-1].answer if in_force else None
        paused = consent.answer is Answer.PAUSED and before is Answer.WITHDRAWN
        if consent.answer is not before and not paused:
            in_force.append(consent)
    return in_force


def consent_mode(book: RuleBook, time: int) -> ConsentMode:
    """What silence about consent meant at ``time``."""
    rules = book.at(time)
    return rules.consent if rules else ConsentMode.OPT_OUT


def grants(
    cells: Cells, used: Used, book: RuleBook, history: History | None = None
) -> Iterator[Grant]:
    """What cells grant, after the steps of rules in ``cells`` are joined to rules.

    ``used`` is what was granted on days before all those in ``cells``. Measures whose caps do not
    depend on one another come one after the other, by cell; the others together, by cell.
    """
    _join_steps(cells)
    together: dict[str, list[str]] = {}
    for measure in cells:
        together.setdefault(book.coupled.get(measure, measure), []).append(measure)
    for measures in together.values():
        limiters: dict[str, Limiter] = {}
        if len(measures) == 1:
            yield from _Run(measures[0], cells, used, book, history, limiters).grants()
            continue
        runs = [_Run(measure, cells, used, book, history, limiters) for measure in measures]
        parts = [(run.key(at), run, at) for run in runs for at in run.at]
        for _, run, at in sorted(parts, key=itemgetter(0)):
            if grant := run.grant(at):
                yield grant


class _Run:
    """What one measure grants, cell by cell."""

    def __init__(
        self,
        measure: str,
        cells: Cells,
        used: Used,
        book: RuleBook,
        history: History | None,
        limiters: dict[str, Limiter],
    ) -> None:
        self.measure, self._parts, self._book = measure, cells[measure], book
        self._rule_id, self._history = measure.partition(BONUS)[0], history
        self.at = sorted(self._parts)
        self._used, self._limiters = used, limiters
        self._state: State = ()
        self._kind: Kind | None = None
        self._rules: RuleSet | None = None
        self._limits: list[tuple[str, Limiter, Caps]] = []

    def key(self, at: int) -> tuple[int, int, str]:
        """What cells of several measures are sorted by: time, the place in the group, the name."""
        rules = self._book.at(at)
        group = rules.group_of.get(self._rule_id) if rules else None
        return at, group.rules[self._rule_id] if group else 0, self.measure

    def grants(self) -> Iterator[Grant]:
        """All of them."""
        for at in self.at:
            if grant := self.grant(at):
                yield grant

    def grant(self, at: int) -> Grant | None:
        """What a cell grants; cells come in their order. ``None`` where there is no such rule."""
        rules = self._book.at(at)
        rule = rules.rules.get(self._rule_id) if rules else None
        if rules is None or rule is None:
            return None
        if rules is not self._rules:  # another version's may be of another kind
            former, self._kind, self._rules = self._kind, kind_of(rule), rules
            if former is not self._kind:
                self._state = ()
            limits = rules.limits(self.measure)
            self._limits = [(name, self._limiter(name), caps) for name, caps in limits]
        kind, state, day = self._kind, self._state, day_of(at)
        assert kind is not None
        before, cut = self._limits[0][1].at(day), None
        if kind.memory is None:
            points = kind.grant(rule, self._earned(rule, at), before)
        else:
            self._state, points = kind.memory.play(rule, state, day, self._parts[at])
        earned = points
        for limit, limiter, caps in self._limits:
            used = limiter.at(day)
            if (left := capped(caps, points, used)) < points:
                cut, points = Cut(limit, binding(caps, points, used), earned), left
        for _, limiter, _ in self._limits:
            limiter.use(points)
        expires = 0 if rules.expiry_days is None else day + rules.expiry_days + 1
        ripe = day + rule.pending_days + 1 if rule.pending_days else 0
        name = f"{self.measure}@{rules.version}"
        return Grant(self.measure, at, name, points, ripe, expires, before, state, cut)

    def _earned(self, rule: EarningRule, at: int) -> int:
        """What a cell earned, by the multiplier of the consumer's level then."""
        earned = self._parts[at]
        if self._history is None or not rule.by_tier:
            return earned
        return multiplied(rule, earned, self._history.judging(at))

    def _limiter(self, name: str) -> Limiter:
        """The limiter of that name, shared with the measures that are coupled with this one."""
        limiter = self._limiters.get(name)
        if limiter is None:
            limiter = self._limiters[name] = Limiter(name, self._used)
        return limiter


def _join_steps(cells: Cells) -> None:
    """Join what was counted for steps to their rule: a bit for each."""
    for name in [name for name in cells if STEP in name]:
        rule_id, _, number = name.partition(STEP)
        parts = cells.setdefault(rule_id, {})
        for at, times in cells.pop(name).items():
            if times:
                parts[at] = parts.get(at, 0) | 1 << int(number)


def _merged_consents(facts_by_origin: Iterable[OriginFacts]) -> dict[bytes, Consent]:
    """All answers; one that came by two origins is one."""
    consents: dict[bytes, Consent] = {}
    for origin_facts in facts_by_origin:
        for key, consent in origin_facts.consents.items():
            consents[key] = min(consent, consents.get(key, consent))
    return consents


def answers(facts_by_origin: Collection[OriginFacts], t: AccountView) -> int:
    """Enrolment and consents of all origins; answers how many, by two origins each counts once."""
    enrolments: dict[bytes, Enrolment] = {}
    for origin_facts in facts_by_origin:
        for key, enrolment in origin_facts.enrolments.items():
            enrolments[key] = min(enrolment, enrolments.get(key, enrolment))
    consents = _merged_consents(facts_by_origin)
    if enrolments:
        t.enrolment = min(enrolments.values())
    if consents:
        t.consents = _in_force(consents.values())
        t.seen = max(t.seen, *(consent.time for consent in consents.values()))
    return len(enrolments) + sum(not consent.again for consent in consents.values())


def _answers(facts_by_origin: Collection[OriginFacts], as_of: int, t: AccountView) -> None:
    if records := answers(facts_by_origin, t):
        increase(t.outcomes, Outcome.APPLIED, records)
    for consent in t.consents:
        if consent.time > as_of:  # its clock is ahead of ours
            t.wake(consent.time)


def _birthdays(
    known: list[StatedBirthday],
    t: AccountView,
    stretches: Stretches,
    book: RuleBook,
    until: int,
    cells: Cells,
) -> None:
    """Count the birthdays there have been; no record says that they came, but which day it is."""
    increase(t.outcomes, Outcome.APPLIED, len(known))
    for time in happened(known, until):
        if judge(time, t, book) is Outcome.APPLIED:
            points = earn(book.at(time), Fact("", "", "", time, Touchpoint.BIRTHDAY))
            touch = Touch(time, Touchpoint.BIRTHDAY, points)
            _add(touch, stretches.cell(stretches.at(time), stretches.begin(time)), t, cells)
    if t.enrolment is None and (next_one := upcoming(known, until)):
        t.wake(next_one)


def _add(touch: Touch, cell: int, t: AccountView, cells: Cells) -> None:
    increase(t.touches, touch.touchpoint, 1)
    note_latest(t.latest, touch.touchpoint, touch.time)
    if touch.points:
        for rule_id, points in touch.points:
            parts = cells.setdefault(rule_id, {})
            parts[cell] = parts.get(cell, 0) + points


def _archived(
    facts_by_origin: Iterable[OriginFacts], t: AccountView, until: int, cells: Cells
) -> None:
    """Add archived totals."""
    for origin_facts in facts_by_origin:
        if origin_facts.archived is None:
            continue
        t.seen = max(t.seen, origin_facts.archived.latest)
        for touchpoint, count in origin_facts.archived.touches.items():
            increase(t.touches, touchpoint, count)
        for outcome, count in origin_facts.archived.outcomes.items():
            increase(t.outcomes, outcome, count)
        for measure, parts in origin_facts.archived.cells.items():
            for at, number in parts.items():
                increase(cells.setdefault(measure, {}), at, number)
        for name, points in origin_facts.archived.granted.items():
            increase(t.granted, name, points)
            lots = origin_facts.archived.lots.get(name, {})
            # the rest expired and was dropped
            increase(t.expired, name, points - sum(lots.values()))
            for expires, left in lots.items():
                _expire(name, expires, left, until, t)


def _expire(name: str, expires: int, points: int, until: int, t: AccountView) -> None:
    if not expires:
        return
    at = start_of(expires)
    if at <= until:
        increase(t.expired, name, points)
    elif t.enrolment is None:
        t.wake(at)


def _ripen(grant: Grant, as_of: int, t: AccountView) -> None:
    at = start_of(grant.ripe)
    if at <= as_of:
        return
    increase(t.pending, grant.ripe, grant.points)
    if t.enrolment is not None:  # else the next offer says so
        t.wake(at)
