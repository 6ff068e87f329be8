# SPDX-License-Identifier: Apache-2.0
"""Reads a bill line by line: turns rows into events, and checks the summary against them.

A file may hold several bills, each with its own header and summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stream.wechat.bill.cells import (
    COUNT,
    NAMES,
    REQUIRED,
    SUMS,
    count_of,
    fen_of,
    names_of,
    refuse,
    split,
)
from stream.wechat.bill.other_files import what_else
from stream.wechat.bill.rows import Cells, event_of
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent

LINE_BYTES_MAX: Final = 65_536  # rows have some hundred
_SUMMED: Final = frozenset(SUMS.values())
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Kind(StrEnum):
    """The result of a line."""

    PAYMENT = "payment"
    REFUND = "refund"
    UNSETTLED = "unsettled"  # a refund that was not complete when the bill was made
    REFUSED = "refused"
    UNBALANCED = "unbalanced"  # the rows do not add up to the summary


@dataclass(frozen=True, slots=True)
class Line:
    """A row, or a problem. ``number`` counts from 1; ``problem`` never repeats a cell."""

    number: int
    kind: Kind
    event: OutboundEvent | None = None
    problem: str = ""


class _Bill:
    """One bill so far: its columns, and the sums of its rows (``None``: a cell was unreadable)."""

    def __init__(self, names: Sequence[str]) -> None:
        self.columns = len(names)
        self.rows = 0
        self.summary: Sequence[str] | None = None  # the summary's header, once read
        self.summed = False
        self.sums: dict[str, int | None] = {name: 0 for name in names if name in _SUMMED}
        self._places = [(name, place) for place, name in enumerate(names) if name]

    def row(self, cells: Sequence[str]) -> Cells:
        """The cells that are used, by our names; adds the amounts."""
        row = {name: cells[place].strip() for name, place in self._places}
        self.rows += 1
        for name, known in self.sums.items():
            if known is not None:
                self.sums[name] = known + amount if (amount := _amount(row[name])) >= 0 else None
        return row

    def add_unreadable(self) -> None:
        """Count a row whose amounts are unknown."""
        self.rows += 1
        self.sums = dict.fromkeys(self.sums)


class BillReader:
    """Reads the lines of one file in order."""

    def __init__(self) -> None:
        self._number = 0
        self._bill: _Bill | None = None
        self._is_begun = self._is_other = False

    def read(self, lines: Iterable[bytes]) -> Iterator[Line]:
        """The results of these lines; never raises.

        A file that is recognised as something else than a bill has one result.
        """
        for line in lines:
            if self._is_other:
                return
            self._number += 1
            try:
                found = self._read(line.rstrip(b"\r\n"))
            except DeliveryRejected as problem:
                found = self._problem(Kind.REFUSED, problem.message)
            if found is not None:
                yield found

    def end(self) -> Iterator[Line]:
        """Check that the file ends where a bill ends."""
        if self._is_other:
            return
        if self._bill is None:
            yield self._problem(Kind.UNBALANCED, "There is no bill in this file.")
        elif not self._bill.summed:
            yield self._cut_short()

    def _read(self, raw: bytes) -> Line | None:
        if not raw.strip():
            return None
        if not self._is_begun:
            self._is_begun = True
            if problem := what_else(raw):
                self._is_other = True
                refuse(problem)
        bill = self._bill
        try:
            cells = split(_text(raw))
        except DeliveryRejected:
            if bill is not None and bill.summary is None:
                bill.add_unreadable()
            raise
        if (names := names_of(cells)) is not None:
            return self._begin(names)
        if bill is None or bill.summed:
            refuse("The line is outside a bill: a bill begins with its column names, in UTF-8.")
        if cells[0].strip() == COUNT:
            bill.summary = _without_empty(cells)
            return None
        if bill.summary is not None:
            return self._sum_up(bill, bill.summary, _without_empty(cells))
        return self._row(bill, cells)

    def _begin(self, names: Sequence[str]) -> Line | None:
        before, self._bill = self._bill, None
        if missing := REQUIRED.difference(names):
            refuse(f"The header has no column {', '.join(sorted(NAMES[n] for n in missing))}.")
        if doubled := {name for name in names if name and names.count(name) > 1}:
            named = ", ".join(sorted(NAMES[name] for name in doubled))
            refuse(f"The header has more than one column for: {named}.")
        self._bill = _Bill(names)
        return None if before is None or before.summed else self._cut_short()

    def _row(self, bill: _Bill, cells: Sequence[str]) -> Line:
        if len(cells) != bill.columns:
            bill.add_unreadable()
            refuse(f"The row has {len(cells)} cells, the header has {bill.columns}.")
        event = event_of(bill.row(cells))
        if event is None:
            return self._problem(
                Kind.UNSETTLED, "The refund was not complete when the bill was made."
            )
        kind = Kind.PAYMENT if event.type.startswith("payment") else Kind.REFUND
        return Line(self._number, kind, event)

    def _sum_up(self, bill: _Bill, header: Sequence[str], cells: Sequence[str]) -> Line | None:
        bill.summed = True
        if len(cells) != len(header):
            refuse(f"The summary has {len(cells)} cells, its header has {len(header)}.")
        if count_of(cells[0]) != bill.rows:
            return self._problem(
                Kind.UNBALANCED, f"The summary does not count the {bill.rows} rows there are."
            )
        for column, cell in zip(header, cells, strict=True):
            ours = bill.sums.get(SUMS.get(column, ""))
            if ours is not None and fen_of(cell, column) != ours:
                return self._problem(
                    Kind.UNBALANCED, f"{column} is not the sum of the rows, which is {ours} fen."
                )
        return None

    def _cut_short(self) -> Line:
        return self._problem(
            Kind.UNBALANCED, "A bill has no summary here; it may have been cut short."
        )

    def _problem(self, kind: Kind, problem: str) -> Line:
        return Line(self._number, kind, problem=problem)


def _amount(cell: str) -> int:
    """The amount in fen, -1 if the cell has none."""
    try:
        return fen_of(cell, "")
    except DeliveryRejected:
        return -1


def _without_empty(cells: Sequence[str]) -> list[str]:
    """The cells of a summary, without the empty ones that a spreadsheet adds up to the header's."""
    found = [cell.strip().rstrip(",") for cell in cells]
    while len(found) > 1 and not found[-1]:
        found.pop()
    return found


def _text(raw: bytes) -> str:
    if len(raw) > LINE_BYTES_MAX:
        refuse(f"The line has more than {LINE_BYTES_MAX} bytes.")
    try:
        return raw.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        refuse("The line is not UTF-8.")
