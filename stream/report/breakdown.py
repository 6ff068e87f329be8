# SPDX-License-Identifier: Apache-2.0
"""From counts to rows: a figure broken down by something, with what must be hidden left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.report.disclosure import hidden, lines
from stream.report.figures.counts import Counts, Key
from stream.report.table import Missing, Table, Value, label, number

Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A figure: its counts are called ``(name, *what it is divided by, measure)``.

    ``parts`` are measures that add up to ``total`` in each row (if it has a name). Along the places
    of the key in ``along`` the rows add up to something that is known, too.
    """

    name: str
    depth: int  # how many labels a row has
    parts: tuple[str, ...]
    total: str = ""
    along: tuple[int, ...] = (0,)

    def rows(self, counts: Counts) -> dict[Key, Row]:
        """All rows by their labels, in order; each has every measure."""
        measures = [*self.parts, *([self.total] if self.total else [])]
        found = {rest: count for rest, count in counts.under(self.name) if rest[-1] in measures}
        labels = sorted({rest[:-1] for rest in found})
        every = {(*row, m): counts[(self.name, *row, m)] for row in labels for m in measures}
        sums = lines(every, self.along)
        if self.total:
            sums += lines([key for key in every if key[-1] != self.total], [self.depth])
        gone = hidden(every, sums)
        return {
            row: {
                m: Missing.HIDDEN if (*row, m) in gone else every[*row, m].amount for m in measures
            }
            for row in labels
        }


def simple_table(
    counts: Counts,
    name: str,
    labels: tuple[str, ...],
    parts: tuple[str, ...],
    total: str = "",
    *,
    along: tuple[int, ...] = (0,),
    bars: tuple[str, ...] = (),
) -> Table:
    """A breakdown as it is: the labels, the total, its parts."""
    rows = Breakdown(name, len(labels), parts, total, along).rows(counts)
    measures = [*([total] if total else []), *parts]
    columns = (*map(label, labels), *map(number, measures))
    return Table(name, columns, rows_of(rows, measures), bars)


def rows_of(rows: Mapping[Key, Row], names: Sequence[str]) -> tuple[tuple[Value, ...], ...]:
    """The labels of each row, and its values with these names."""
    return tuple((*labels, *(row[name] for name in names)) for labels, row in rows.items())


def median_of(counts: Counts, *figure: str) -> Value:
    """The median of counts whose last label is a number, each once for its amount.

    Of an even number it is the lower one of the two in the middle.
    """
    values = [(int(rest[0]), count) for rest, count in counts.under(*figure)]
    if sum(count.people for _, count in values) < PEOPLE_MIN:
        return Missing.HIDDEN if values else Missing.NOT_YET
    left = (sum(count.amount for _, count in values) + 1) // 2
    for value, count in values:
        left -= count.amount
        if left <= 0:
            return value
    raise AssertionError("more than half of them come after the last")
