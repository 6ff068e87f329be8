# SPDX-License-Identifier: Apache-2.0
"""Bar charts as SVG: drawn on the server, readable as text, without script or style attributes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 760
_LEFT: Final = 150  # for labels
_BAR: Final = 14
_GAP: Final = 8
SERIES_MAX: Final = 3
LABEL_COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; ``series`` chooses its colour. All lengths are in user units of the SVG."""

    series: int
    y: int
    width: float
    text: str  # the number, at its end


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one row of a table, with its label."""

    label: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart for the template to draw."""

    groups: tuple[Group, ...]
    height: int
    legend: tuple[str, ...]
    left: int = _LEFT
    width: int = WIDTH
    bar: int = _BAR


def shortened(label: str) -> str:
    """A label that has room beside its bars; Chinese characters take two columns."""
    columns = 0
    for at, character in enumerate(label):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > LABEL_COLUMNS:
            return label[: at - 1] + "…"
    return label


def bar_chart(
    labels: Sequence[str], series: Sequence[Sequence[int | None]], legend: Sequence[str]
) -> Chart | None:
    """A group of bars for each label; ``None`` in a series: no bar. No chart without a bar.

    Numbers are at least 0, and there are at most ``SERIES_MAX`` series.
    """
    most = max((number or 0 for one in series for number in one), default=0)
    if not most:
        return None
    scale, step = (WIDTH - _LEFT - 90) / most, len(series) * _BAR + _GAP
    groups = []
    for at, label in enumerate(labels):
        top = at * step
        bars = tuple(
            Bar(number, top + number * _BAR, round(value * scale, 1), f"{value:,}")
            for number, one in enumerate(series)
            if (value := one[at]) is not None
        )
        groups.append(Group(shortened(label), top + _BAR - 3, bars))
    return Chart(tuple(groups), len(labels) * step, tuple(legend))
