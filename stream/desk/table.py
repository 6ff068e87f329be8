# SPDX-License-Identifier: Apache-2.0
"""Tables as the pages show them, each with a chart where it helps."""

from __future__ import annotations

from collections.abc import Sequence

from stream.engine.model.calendar import shanghai
from stream.language import report_messages
from stream.language.message import Phrase
from stream.report.chart import Chart, bar_chart
from stream.report.page import Section


def table(
    name: str,
    title: Phrase,
    note: Phrase,
    headings: Sequence[Phrase],
    rows: Sequence[Sequence[Phrase | str | int]],
    *,
    bars: int | None = None,
) -> Section:
    """A table of words and numbers; ``bars`` is the column that a chart shows, by the first one.

    A column is set to the right if it holds nothing but whole numbers.
    """
    numeric = tuple(
        bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(headings))
    )
    texts = tuple(tuple(_text(cell) for cell in row) for row in rows)
    chart = None if bars is None else _chart(rows, texts, bars, headings[bars])
    return Section(
        name, str(title), str(note), tuple(map(str, headings)), numeric, texts, "", chart
    )


def when(ms: int) -> str:
    """An instant in Shanghai's time, to the minute."""
    return shanghai(ms)[:16].replace("T", " ")


def _text(cell: Phrase | str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _chart(
    rows: Sequence[Sequence[Phrase | str | int]],
    texts: Sequence[Sequence[str]],
    bars: int,
    heading: Phrase,
) -> Chart | None:
    lengths = [cell if isinstance(cell := row[bars], int) else None for row in rows]
    return bar_chart([row[0] for row in texts], [lengths], [str(heading)])


def chart_of(title: str) -> str:
    """What a chart is called for those who hear it."""
    return str(report_messages.CHART_OF(title=title))
