"""What came out, in numbers which add up over processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.engine.decision import Channel, Publish, Send
from stream.engine.ledger import Cause, Ledger
from stream.engine.outcomes import Outcome
from stream.engine.state import Account
from stream.replay.intake import Read

#: Entry kind of the ledger -> column of the report.
_COLUMNS = {"accrual": "granted", "clawback": "clawed_back", "expiry": "expired"}
_PAYOUTS = frozenset({"payout", "payout_correction"})
#: Points which a person had when they asked to be forgotten; the ledger says no rule.
FORGOTTEN = "forgotten"


@dataclass(slots=True)
class Books:
    """Points as the ledger's entries would say; ``rules``: rule@version -> column -> points."""

    rules: dict[str, Counter[str]] = field(default_factory=dict)
    paid: int = 0

    def enter_all(self, outputs: Iterable[Publish | Send]) -> None:
        """Take in the entries among some outputs."""
        for output in outputs:
            if isinstance(output, Publish) and output.channel is Channel.LEDGER:
                self.enter(output.data["kind"], output.data["points"], output.data)

    def enter(self, kind: str, points: int, data: Mapping[str, Any]) -> None:
        """Take in one entry. Transfers between accounts add up to nothing."""
        if kind in _PAYOUTS:
            self.paid -= points
        elif column := _COLUMNS.get(kind):
            rule = data.get("rule")
            name = FORGOTTEN if rule is None else f"{rule}@{data['ruleset_version']}"
            self._add(name, column, points if column == "granted" else -points)

    def add(self, other: Books) -> None:
        self.paid += other.paid
        for name, columns in other.rules.items():
            for column, points in columns.items():
                self._add(name, column, points)

    def _add(self, name: str, column: str, points: int) -> None:
        self.rules.setdefault(name, Counter())[column] += points


class Adding(Ledger):
    """Adds up entries instead of writing them."""

    def __init__(self, account: Account, cause: Cause, books: Books) -> None:
        super().__init__(account, cause)
        self._books = books

    def entry(self, kind: str, points: int, more: Mapping[str, Any] | None = None) -> None:
        if points:
            self.balance += points
            self._books.enter(kind, points, more or {})


@dataclass(slots=True)
class Report:
    """The end of a replay. ``as_of`` in ms; ``unsaid``: why there is no offer -> accounts."""

    as_of: int = 0
    read: Read = field(default_factory=Read)
    outcomes: Counter[str] = field(default_factory=Counter)
    books: Books = field(default_factory=Books)
    accounts: int = 0
    members: int = 0
    balance: int = 0
    offers: int = 0
    offered: int = 0
    unsaid: Counter[str] = field(default_factory=Counter)
    benefits: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        self.read.add(other.read)
        self.books.add(other.books)
        for mine, theirs in (
            (self.outcomes, other.outcomes),
            (self.unsaid, other.unsaid),
            (self.benefits, other.benefits),
        ):
            mine.update(theirs)
        for name in ("accounts", "members", "balance", "offers", "offered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def by_outcome(self) -> dict[str, int]:
        """Every event that was not left out as exactly one outcome."""
        found = Counter(self.outcomes)
        found[Outcome.REFUSED.value] += self.read.refused
        found[Outcome.DEAD.value] += self.read.dead.total()
        return {outcome.value: found[outcome.value] for outcome in Outcome if found[outcome.value]}
