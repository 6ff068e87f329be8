# SPDX-License-Identifier: Apache-2.0
"""Tables that show the effects of old and new rules side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from stream.replay.report import Report
from stream.report.breakdown import Breakdown, Row, rows_of
from stream.report.figures.counts import Counts
from stream.report.table import Column, Kind, Missing, Table, Value, label, number

OLD: Final = "old"
NEW: Final = "new"
_BOOKS: Final = (OLD, NEW)
_OVERVIEW: Final = (
    "consumers",
    "events",
    "points",
    "cut",
    "kept",
    "offers_made",
    "live",
    "offered",
)
_EARNED: Final = ("points", "consumers", "events", "cut")
_HELD: Final = ("consumers", "points", "cut", "offers_made", "live")


def comparison(report: Report, worth_yuan: Decimal | None) -> list[Table]:
    """All tables; ``worth_yuan`` is what a point costs, and without it no costs are said.

    The report must have one that it is ``against``.
    """
    counts = _both(report)
    return [
        _overview(counts, worth_yuan),
        _side_by_side(counts, "effect_rules", ("rule",), _EARNED, worth_yuan),
        _side_by_side(counts, "effect_periods", ("period",), _EARNED, worth_yuan),
        _side_by_side(counts, "effect_campaigns", ("campaign",), _EARNED, worth_yuan),
        _side_by_side(counts, "effect_classes", ("class", "class_value"), _HELD, worth_yuan),
        _side_by_side(counts, "effect_sizes", ("size",), ("live",), None),
    ]


def cost_fen(points: int, worth_yuan: Decimal) -> int:
    """What points cost, rounded to the fen."""
    return int((points * worth_yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _both(report: Report) -> Counts:
    """The counts of both, with whose they are before the measure."""
    assert report.against is not None
    both = Counts()
    for book, counts in ((OLD, report.against.effects), (NEW, report.effects)):
        for key, (people, amount) in counts.under():
            both.add((*key[:-1], f"{book}_{key[-1]}"), amount, people)
    return both


def _overview(counts: Counts, worth_yuan: Decimal | None) -> Table:
    parts = tuple(f"{book}_{name}" for book in _BOOKS for name in _OVERVIEW)
    row = Breakdown("effect_overview", 0, parts, along=()).rows(counts).get((), {})
    names = list(_OVERVIEW)
    if worth_yuan is not None:
        _add_costs(row, worth_yuan)
        names.append("cost_yuan")
    rows = []
    for name in names:
        old, new = (row.get(f"{book}_{name}", 0) for book in _BOOKS)
        rows.append((name, old, new, _change(old, new)))
    columns = label("measure"), number("old"), number("new"), number("change")
    return Table("effect_overview", columns, tuple(rows))


def _change(old: Value, new: Value) -> Value:
    if isinstance(old, int | float) and isinstance(new, int | float):
        return round(new - old, 2)
    return Missing.HIDDEN


def _side_by_side(
    counts: Counts,
    name: str,
    labels: Sequence[str],
    measures: Sequence[str],
    worth_yuan: Decimal | None,
) -> Table:
    """A row for each label, and in it each measure of the old and the new rules."""
    shown = [f"{book}_{measure}" for measure in measures for book in _BOOKS]
    hidden = [f"{book}_kept" for book in _BOOKS]
    along = (len(labels) - 1,)
    rows = Breakdown(name, len(labels), (*shown, *hidden), along=along).rows(counts)
    columns = [*map(label, labels), *map(number, shown)]
    if worth_yuan is not None:
        for row in rows.values():
            _add_costs(row, worth_yuan)
        costs = [f"{book}_cost_yuan" for book in _BOOKS]
        columns += [Column(cost, Kind.YUAN) for cost in costs]
        shown += costs
    bar = "points" if "points" in measures else measures[0]
    bars = tuple(f"{book}_{bar}" for book in _BOOKS)
    return Table(name, tuple(columns), rows_of(rows, shown), bars)


def _add_costs(row: Row, worth_yuan: Decimal) -> None:
    for book in _BOOKS:
        kept = row.get(f"{book}_kept", 0)
        cost = cost_fen(kept, worth_yuan) / 100 if isinstance(kept, int) else Missing.HIDDEN
        row[f"{book}_cost_yuan"] = cost


def comparison_lines(tables: Sequence[Table]) -> Iterator[str]:
    """The tables of the whole and of the rules as lines of text."""
    overview, rules = tables[:2]
    yield f"{'':40}{'old':>14}{'new':>14}{'change':>14}"
    for name, *values in overview.rows:
        yield f"{str(name).replace('_', ' '):40}" + "".join(f"{_text(v):>14}" for v in values)
    yield ""
    yield f"{'points by rule':40}{'old':>14}{'new':>14}{'change':>14}"
    for rule, old, new, *_ in rules.rows:
        values = [old, new, _change(old, new)]
        yield f"{rule!s:40}" + "".join(f"{_text(value):>14}" for value in values)


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else "hidden"
