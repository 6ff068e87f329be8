# SPDX-License-Identifier: Apache-2.0
"""What rules amount to for one account, divided by what marketers ask for. Pure.

Points are those granted and not clawed back; of them *kept* are those that have not expired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from stream.engine.model.calendar import day_of, weekday_of
from stream.engine.model.control_group import Group
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import MARK, STEP, Campaign, Caps, RuleBook, RuleSet, rule_of
from stream.engine.model.state import Account
from stream.engine.model.touches import Touch
from stream.engine.points.balance import AccountView, judge, merged_touches
from stream.engine.points.offer_blocks import Live, live_offer
from stream.report.figures.classes import class_figures
from stream.report.figures.counts import Key
from stream.report.figures.eligibility import eligibility
from stream.report.figures.history import history_of
from stream.report.figures.lots import Fate, Holdings, Lot, holdings
from stream.report.figures.periods import ARCHIVED, day_name

#: Borders of the classes of N, the points that an offer is of.
_SIZES: Final = (1, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


class Window(NamedTuple):
    """Days on which a campaign runs in a version of the rules, the last of them included."""

    campaign: Campaign
    first: int
    last: int | None  # None: without end

    def has(self, rule: str, day: int) -> bool:
        """Whether it runs for a rule on a day."""
        campaign = self.campaign
        return (
            self.first <= day
            and (self.last is None or day <= self.last)
            and (campaign.rules is None or rule in campaign.rules)
            and (campaign.schedule is None or campaign.schedule.has_day(day))
        )


def windows(*books: RuleBook) -> list[Window]:
    """When the campaigns of all books run, each while its version is in force."""
    found: list[Window] = []
    for book in books:
        for version in book.versions:
            ends_ms = book.next_change(version.effective_ms)
            for campaign in version.campaigns:
                ends = [at for at in (campaign.ends_ms, ends_ms) if at is not None]
                last = day_of(min(ends) - 1) if ends else None
                first = day_of(max(campaign.starts_ms, version.effective_ms))
                found.append(Window(campaign, first, last))
    return found


def uncapped(book: RuleBook) -> RuleBook:
    """The same rules without any caps; budgets stay."""
    return replace(book, versions=tuple(map(_uncapped, book.versions)))


def _uncapped(version: RuleSet) -> RuleSet:
    rules = {id_: replace(rule, caps=Caps()) for id_, rule in version.rules.items()}
    campaigns = tuple(replace(campaign, caps=Caps()) for campaign in version.campaigns)
    return replace(version, rules=rules, campaigns=campaigns, groups=())


def size_name(points: int) -> str:
    """The class of an offer's points; the names sort as the classes follow."""
    number = sum(points >= low for low in _SIZES)
    low = _SIZES[number - 1]
    if number == len(_SIZES):
        return f"{low:05d}+"
    return f"{low:05d}-{_SIZES[number] - 1:05d}"


class Effects:
    """Counts the effects of rules, account by account, as of an instant (ms)."""

    def __init__(self, book: RuleBook, running: Sequence[Window], *, weekly: bool) -> None:
        self._book, self._uncapped = book, uncapped(book)
        self._running, self._weekly = running, weekly

    def of(self, key: str, account: Account, as_of: int) -> Counter[Key]:
        """The counts to which this consumer belongs, with what the consumer adds to each."""
        found: Counter[Key] = Counter()
        held = holdings(account, self._book, as_of)
        for lot in held.lots:
            kept = 0 if lot.fate is Fate.EXPIRED else lot.points
            for row in self._rows(lot.rule, lot.earned):
                found[(*row, "points")] += lot.points
                found[(*row, "kept")] += kept
        whole = holdings(account, self._uncapped, as_of)
        for (measure, day), points in _cut(held.lots, whole.lots):
            for row in self._rows(measure, day):
                found[(*row, "cut")] += points
        for row in {key[:-1] for key, amount in found.items() if key[-1] == "points" and amount}:
            found[(*row, "consumers")] = 1
        self._events(account, held.view, as_of, found)
        self._offers(key, account, held, as_of, found)
        return found

    def _rows(self, measure: str, day: int | None) -> Iterable[Key]:
        """The rows of tables that points of a measure, earned on a day, belong to."""
        rule = rule_of(measure)
        yield ("effect_overview",)
        yield "effect_rules", measure
        if day is None:
            yield "effect_periods", ARCHIVED
            return
        yield "effect_periods", self._period(day)
        for id_ in {one.campaign.id for one in self._running if one.has(rule, day)}:
            yield "effect_campaigns", id_

    def _period(self, day: int) -> str:
        return day_name(day - weekday_of(day) + 1 if self._weekly else day)

    def _events(self, account: Account, view: AccountView, as_of: int, found: Counter[Key]) -> None:
        """Count the events that earn something before caps, once in each row."""
        until = view.enrolment.time if view.enrolment else as_of
        for touch in merged_touches(account.facts_by_origin).values():
            if touch.void or touch.time > until:
                continue
            if judge(touch.time, view, self._book) is Outcome.APPLIED:
                day = day_of(touch.time)
                for row in {row for name in _measures(touch) for row in self._rows(name, day)}:
                    found[(*row, "events")] += 1

    def _offers(
        self, key: str, account: Account, held: Holdings, as_of: int, found: Counter[Key]
    ) -> None:
        view = held.view
        past = history_of(account, view, self._book, as_of)
        qualified = eligibility(key, account, held, past, self._book, as_of)
        made = qualified is not None and qualified.group != Group.CONTROL
        live = None if view.enrolment else live_offer(key, account, view, self._book, as_of)
        classes: Counter[Key] = Counter()
        class_figures(classes, view)
        rows: list[Key] = [("effect_overview",)]
        rows += [("effect_classes", *row[1:-1]) for row in classes]
        points = {name: found["effect_overview", name] for name in ("points", "kept", "cut")}
        for row in rows:
            found[(*row, "offers_made")] += made or isinstance(live, Live)
            if isinstance(live, Live):
                found[(*row, "live")] += 1
                found[(*row, "offered")] += live.points
            if row[0] == "effect_classes":
                found[(*row, "consumers")] += 1
                found.update({(*row, name): amount for name, amount in points.items()})
        if isinstance(live, Live):
            found["effect_sizes", size_name(live.points), "live"] += 1


def _measures(touch: Touch) -> Iterator[str]:
    """What a touch earns points by, with the steps of a rule as the rule."""
    for name, _ in touch.points:
        if not name.startswith(MARK):
            yield name.partition(STEP)[0]


def _cut(
    capped: Iterable[Lot], whole: Iterable[Lot]
) -> Iterable[tuple[tuple[str, int | None], int]]:
    """By measure and day: the points that there would be more without caps."""
    more: Counter[tuple[str, int | None]] = Counter()
    for lot in whole:
        more[lot.rule, lot.earned] += lot.points
    for lot in capped:
        more[lot.rule, lot.earned] -= lot.points
    return more.items()
