# SPDX-License-Identifier: Apache-2.0
"""Tables of a report: columns, and rows of labels and numbers, for every form of output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Missing(Enum):
    """Why there is no number."""

    HIDDEN = auto()  # it would be over fewer than 20 people
    UNKNOWN = auto()  # one of the two: the file that it was read from does not say
    NOT_YET = auto()  # nobody has been there for long enough, or there is nothing to divide by


Value = str | int | float | Missing


class Kind(Enum):
    """What a column holds."""

    LABEL = auto()
    NUMBER = auto()
    SHARE = auto()  # from -1 to 1
    HOURS = auto()
    YUAN = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``name`` is the field's in JSON and CSV."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``bars`` are the columns that a chart shows, in the order of the rows."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    bars: tuple[str, ...] = ()

    def column(self, name: str) -> list[Value]:
        """The values of one column."""
        at = [column.name for column in self.columns].index(name)
        return [row[at] for row in self.rows]


def label(name: str) -> Column:
    """A column of words, days or months."""
    return Column(name, Kind.LABEL)


def number(name: str) -> Column:
    """A column of whole numbers."""
    return Column(name, Kind.NUMBER)


def share_of(part: Value, whole: Value) -> Value:
    """A quotient; missing if one of the two is, or there is nothing to divide by."""
    if isinstance(part, Missing):
        return part
    if isinstance(whole, Missing):
        return whole
    if isinstance(part, str) or isinstance(whole, str):
        raise TypeError("a share of words")
    return part / whole if whole else Missing.NOT_YET
