# SPDX-License-Identifier: Apache-2.0
"""Check that the output topics, the tables and the generator's own figures agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from stream.demo.day import Expectation
from stream.demo.output_totals import Outputs
from stream.engine.audit.verify import account_of
from stream.engine.model.outcomes import Outcome
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.state import Account, Origin
from stream.engine.points.balance import evaluate
from stream.engine.points.offer_blocks import Live, live_offer
from stream.engine.storage.codec import load_entity


@dataclass(frozen=True, slots=True)
class Check:
    """One equation; ``name`` states it in words."""

    name: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        return self.left == self.right


@dataclass(slots=True)
class TableFigures:
    """Totals of the tables at one instant, in points unless the name says otherwise."""

    balances: dict[str, int] = field(default_factory=dict)  # consumer id -> points, if not 0
    granted: int = 0
    expired: int = 0
    paid: int = 0
    binds: dict[str, str] = field(default_factory=dict)  # origin key -> union key
    announced: dict[str, int] = field(default_factory=dict)  # live offers as announced
    live: dict[str, int] = field(default_factory=dict)  # live offers by the rules, now
    held_back: set[str] = field(default_factory=set)  # live, but announced only after the cool-down


def table_figures(entities: Mapping[str, bytes], book: RuleBook, as_of: int) -> TableFigures:
    """Add up every account and origin of the tables; ``as_of`` in ms."""
    figures = TableFigures()
    for key, value in entities.items():
        entity = load_entity(key, value)
        account = account_of(entity)
        if isinstance(entity, Origin) and entity.bound:
            figures.binds[key] = entity.bound
        if account is not None:
            _add_account(figures, key, account, book, as_of)
    return figures


def _add_account(
    figures: TableFigures, key: str, account: Account, book: RuleBook, as_of: int
) -> None:
    posted = account.posted
    figures.granted += sum(posted.granted.values())
    figures.expired += sum(posted.expired.values())
    figures.paid += sum(posted.paid.values())
    if posted.balance:
        figures.balances[key] = posted.balance
    if account.last_offer is not None and account.last_offer.live:
        figures.announced[key] = account.last_offer.points
    result = evaluate(account, book, as_of)
    offer = live_offer(key, account, result, book, as_of)
    if result.enrolment is None and isinstance(offer, Live):
        figures.live[key] = offer.points
        if _cools_down(account, offer, book, as_of):
            figures.held_back.add(key)


def _cools_down(account: Account, offer: Live, book: RuleBook, as_of: int) -> bool:
    """Whether the last offer ended so recently that the next must wait."""
    rules, last = book.at(as_of), account.last_offer
    block = rules.block(offer.block) if rules is not None else None
    if last is None or last.live or block is None:
        return False
    return as_of < last.announced_at + block.cooldown_ms


def audit(
    outputs: Outputs,
    figures: TableFigures,
    counts: Mapping[str, int],
    expected: Expectation,
) -> list[Check]:
    """Every equation; ``counts`` are the tables' own, without dead letters."""
    records = Counter(counts)
    records[Outcome.DEAD] = sum(outputs.dead.values())
    points = outputs.points
    granted = points["accrual"] + points["clawback"]
    paid = -points["payout"] - points["payout_correction"]
    total = sum(figures.balances.values())
    return [
        Check(
            "records in = applied + member + duplicate + parked + late + refused + dead",
            expected.inputs,
            sum(records[outcome] for outcome in Outcome),
        ),
        *(
            Check(f"dead letters: {reason}", outputs.dead[reason], expected.bad.get(reason, 0))
            for reason in sorted(outputs.dead.keys() | expected.bad.keys())
        ),
        Check("duplicates = retries and repetitions", records["duplicate"], expected.duplicates),
        Check(
            "refused, at least the virtual users",
            min(records["refused"], expected.refused_snapshot),
            expected.refused_snapshot,
        ),
        Check(
            "accrual - clawback - expiry - payouts (ledger) = sum of balances (tables)",
            granted + points["expiry"] - paid,
            total,
        ),
        Check(
            "balance of each consumer (ledger) = balance (tables)",
            _common(outputs.nonzero_balances(), figures.balances),
            max(len(outputs.nonzero_balances()), len(figures.balances)),
        ),
        Check("granted by the ledger = granted by the tables", granted, figures.granted),
        Check("expired by the ledger = expired by the tables", -points["expiry"], figures.expired),
        Check("paid out by the ledger = by the tables", paid, figures.paid),
        Check("paid out by the ledger = announced to the CRM", paid, sum(outputs.payouts.values())),
        Check(
            "offers accepted = payouts of exactly that many points",
            _common(outputs.accepted, outputs.paid_first),
            len(outputs.accepted),
        ),
        Check("transfers out + in = 0", points["transfer_in"] + points["transfer_out"], 0),
        Check("entries whose balance does not follow", outputs.chains_broken, 0),
        Check(
            "origins bound, and to whom the evidence says",
            _common(figures.binds, expected.binds),
            max(len(figures.binds), len(expected.binds)),
        ),
        Check("conflicts reported", outputs.conflicts, expected.conflicts),
        Check(
            "live offers announced = live offers in the tables",
            _common({key: offer.points for key, offer in outputs.live.items()}, figures.announced),
            max(len(outputs.live), len(figures.announced)),
        ),
        Check(
            "consumers with an offer, or in its cool-down = consumers whom the rules give one",
            len((figures.announced.keys() | figures.held_back) & figures.live.keys()),
            len(figures.announced.keys() | figures.live.keys()),
        ),
    ]


def _common(a: Mapping[str, object], b: Mapping[str, object]) -> int:
    """The number of entries that two tables have in common."""
    return sum(b.get(key) == value for key, value in a.items())
