# SPDX-License-Identifier: Apache-2.0
"""The results of a replay as counts that can be added up over processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.engine.model.decision import Cause, Channel, Publish, Send
from stream.engine.model.outcomes import Outcome
from stream.engine.model.state import Account
from stream.engine.points.ledger import Ledger
from stream.replay.event_reader import ReadSummary
from stream.report.figures.counts import Counts

#: Entry kind of the ledger -> column of the report.
_COLUMNS = {"accrual": "granted", "clawback": "clawed_back", "expiry": "expired"}
_PAYOUTS = frozenset({"payout", "payout_correction"})
#: Points that were erased with a person; their ledger entry names no rule.
FORGOTTEN = "forgotten"


@dataclass(slots=True)
class PointTotals:
    """Totals of the ledger's entries; ``rules``: rule@version -> column -> points."""

    rules: dict[str, Counter[str]] = field(default_factory=dict)
    paid: int = 0

    def enter_all(self, outputs: Iterable[Publish | Send]) -> None:
        """Add the ledger entries among some outputs."""
        for output in outputs:
            if isinstance(output, Publish) and output.channel is Channel.LEDGER:
                self.enter(output.data["kind"], output.data["points"], output.data)

    def enter(self, kind: str, points: int, data: Mapping[str, Any]) -> None:
        """Add one entry. Transfers are left out, since they add up to 0."""
        if kind in _PAYOUTS:
            self.paid -= points
        elif column := _COLUMNS.get(kind):
            rule = data.get("rule")
            if campaign := data.get("campaign"):
                rule = f"{rule}*{campaign}"
            name = FORGOTTEN if rule is None else f"{rule}@{data['ruleset_version']}"
            self._add(name, column, points if column == "granted" else -points)

    def add(self, other: PointTotals) -> None:
        self.paid += other.paid
        for name, columns in other.rules.items():
            for column, points in columns.items():
                self._add(name, column, points)

    def _add(self, name: str, column: str, points: int) -> None:
        self.rules.setdefault(name, Counter())[column] += points


class TotalLedger(Ledger):
    """A ledger that adds entries up instead of publishing them."""

    def __init__(self, account: Account, cause: Cause, points: PointTotals) -> None:
        super().__init__(account, cause)
        self._books = points

    def entry(self, kind: str, points: int, more: Mapping[str, Any] | None = None) -> None:
        if points:
            self.balance += points
            self._books.enter(kind, points, more or {})


@dataclass(slots=True)
class Report:
    """The end of a replay. ``as_of`` in ms; ``without_offer``: why there is none -> accounts.

    ``against`` is the end of the same events by other rules; both have ``effects`` then.
    """

    as_of: int = 0
    read: ReadSummary = field(default_factory=ReadSummary)
    outcomes: Counter[str] = field(default_factory=Counter)
    points: PointTotals = field(default_factory=PointTotals)
    accounts: int = 0
    members: int = 0
    balance: int = 0
    offers: int = 0
    offered: int = 0
    without_offer: Counter[str] = field(default_factory=Counter)
    benefits: Counter[str] = field(default_factory=Counter)
    effects: Counts = field(default_factory=Counts)
    against: Report | None = None

    def add(self, other: Report) -> None:
        self.read.add(other.read)
        self.points.add(other.points)
        self.effects.merge(other.effects)
        for mine, theirs in (
            (self.outcomes, other.outcomes),
            (self.without_offer, other.without_offer),
            (self.benefits, other.benefits),
        ):
            mine.update(theirs)
        for name in ("accounts", "members", "balance", "offers", "offered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def by_outcome(self) -> dict[str, int]:
        """Events by outcome; every event that was not left out has exactly one."""
        found = Counter(self.outcomes)
        found[Outcome.REFUSED.value] += self.read.refused
        found[Outcome.DEAD.value] += self.read.unreadable_reasons.total()
        return {outcome.value: found[outcome.value] for outcome in Outcome if found[outcome.value]}
