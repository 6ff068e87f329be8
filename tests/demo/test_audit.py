# SPDX-License-Identifier: Apache-2.0
"""The sample day through both stages in memory: it adds up, in whatever order it comes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from stream.demo.audit import Check, TableFigures, audit, table_figures
from stream.demo.day import Day
from stream.demo.output_totals import Outputs
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.worker.in_process import LocalEngine

pytestmark = pytest.mark.slow

HOUR_MS = 3_600_000


@dataclass
class Ran:
    outputs: Outputs
    figures: TableFigures
    counts: dict[str, int]  # without dead letters
    checks: list[Check]


def run(day: Day, book: RuleBook, directory: Directory, random: Random | None = None) -> Ran:
    """The day to its end; with ``random`` shuffled, cut and interleaved."""
    engine = LocalEngine(book, directory, random=random)
    records = list(day.records)
    if random is not None:
        random.shuffle(records)
    for record in records:
        engine.publish(record.topic, record.key, record.value, record.headers, record.time_ms)
    engine.advance(day.end_ms + HOUR_MS)
    outputs = Outputs()
    for topic, published in engine.outputs.items():
        for out in published:
            if topic == "shadow.dead-letters":
                outputs.take_dead(out.headers)
            else:
                outputs.take(out.value or b"", out.headers)
    counts = {name: count for name, count in engine.counts().items() if name != "dead"}
    figures = table_figures(engine.entities(), book, engine.clock_ms)
    return Ran(outputs, figures, counts, audit(outputs, figures, counts, day.expectation))


@pytest.fixture(scope="module")
def in_order(day: Day, book: RuleBook, directory: Directory) -> Ran:
    return run(day, book, directory)


def test_the_day_adds_up(in_order: Ran) -> None:
    assert [check for check in in_order.checks if not check.holds] == []
    assert len(in_order.checks) > 15


def test_the_day_has_something_of_everything(in_order: Ran, day: Day) -> None:
    outputs = in_order.outputs

    assert set(in_order.counts) == {"applied", "duplicate", "parked", "refused", "member"}
    assert in_order.counts["refused"] > day.expectation.refused_snapshot
    assert {"accrual", "clawback", "payout", "transfer_in", "transfer_out"} <= set(outputs.points)
    assert outputs.offers["issued"] > 10
    assert outputs.offers["accepted"] > 0
    assert outputs.withdrawn["superseded"] > 0
    assert outputs.live
    assert outputs.payouts_issued > 0
    assert outputs.conflicts == 2


def test_every_offer_taken_up_paid_exactly_what_it_said(in_order: Ran) -> None:
    accepted = in_order.outputs.accepted

    assert accepted
    assert {key: in_order.outputs.paid_first[key] for key in accepted} == accepted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_partitions_and_runs_do_not_matter(
    seed: int, in_order: Ran, day: Day, book: RuleBook, directory: Directory
) -> None:
    shuffled = run(day, book, directory, Random(seed))

    assert [check for check in shuffled.checks if not check.holds] == []
    assert shuffled.figures.balances == in_order.figures.balances
    assert shuffled.figures.binds == in_order.figures.binds == day.expectation.binds
    assert shuffled.figures.live == in_order.figures.live
    assert shuffled.counts == in_order.counts
    assert shuffled.outputs.payouts == in_order.outputs.payouts


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda r: r.counts.update(applied=r.counts["applied"] - 1), "records in ="),
        (lambda r: r.outputs.points.update(accrual=1), "accrual - clawback"),
        (lambda r: r.outputs.points.update(transfer_in=1), "transfers out + in"),
        (lambda r: r.outputs.dead.update(internal=1), "dead letters: internal"),
        (lambda r: r.figures.binds.popitem(), "origins bound"),
        (lambda r: r.outputs.live.popitem(), "live offers announced"),
        (lambda r: r.outputs.accepted.update(somebody=1), "offers accepted"),
        (lambda r: r.figures.balances.popitem(), "balance of each consumer"),
    ],
)
def test_whatever_is_wrong_has_a_check_which_says_so(
    change: object, broken: str, day: Day, book: RuleBook, directory: Directory
) -> None:
    ran = run(day, book, directory)
    assert callable(change)
    change(ran)

    checks = audit(ran.outputs, ran.figures, ran.counts, day.expectation)

    assert any(check.name.startswith(broken) for check in checks if not check.holds)
