# SPDX-License-Identifier: Apache-2.0
"""The page of a report: every table, and a chart where it helps. One file, without script."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.language import report_messages as m
from stream.language.message import Message
from stream.report.chart import Chart, bar_chart
from stream.report.table import Column, Kind, Missing, Table, Value
from stream.report.words import COLUMNS, TABLES, said

#: So many rows of a table are shown, the last ones.
ROWS_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Section:
    """A table as it is shown. ``numeric`` says of each column whether it is set to the right."""

    name: str
    title: str
    note: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str
    chart: Chart | None


def page(
    tables: Sequence[Table],
    as_of: str,
    title: Message = m.REPORT_TITLE,
    intro: Message = m.REPORT_INTRO,
) -> str:
    """The HTML, in the language that is spoken; ``as_of`` is an ISO 8601 time.

    The title has a place for it, and the introduction one for how many people a number is of.
    """
    style = files("stream.report").joinpath("templates/report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return _template().render(
        language=str(m.LANGUAGE_TAG()),
        title=str(title(time=as_of)),
        intro=str(intro(people=PEOPLE_MIN)),
        nothing=str(m.NOTHING_COUNTED()),
        sections=[section(table) for table in tables],
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'",
        chart_of=lambda title: str(m.CHART_OF(title=title)),
    )


def section(table: Table) -> Section:
    """One table in words."""
    title, note = TABLES[table.name]
    shown = table.rows[-ROWS_SHOWN:]
    more = ""
    if len(shown) < len(table.rows):
        name = f"{table.name}.csv"
        more = str(m.LAST_ROWS(shown=len(shown), all=f"{len(table.rows):,}", file=name))
    rows = tuple(
        tuple(cell(column, value) for column, value in zip(table.columns, row, strict=True))
        for row in shown
    )
    return Section(
        table.name,
        str(title()),
        str(note()),
        tuple(str(COLUMNS[column.name]()) for column in table.columns),
        tuple(column.kind is not Kind.LABEL for column in table.columns),
        rows,
        more,
        _chart(table, shown, rows),
    )


def cell(column: Column, value: Value) -> str:
    """A value in words: numbers with commas, shares as percent, hours as hours or days."""
    match value:
        case Missing.HIDDEN:
            return str(m.HIDDEN_NUMBER())
        case Missing.NOT_YET:
            return str(m.NO_NUMBER_YET())
        case Missing.UNKNOWN:
            return str(m.HIDDEN_OR_NOT_YET())
        case str():
            return said(column.name, value)
    if column.kind is Kind.SHARE:
        return f"{value:.3f}" if column.name == "p" else f"{value:.1%}"
    if column.kind is Kind.YUAN:
        return f"{value:,.2f}"
    if column.kind is Kind.HOURS:
        return f"{value:,} h" if value < 48 else f"{value / 24:,.0f} d"
    return f"{value:,}"


def _chart(
    table: Table, shown: Sequence[tuple[Value, ...]], rows: Sequence[tuple[str, ...]]
) -> Chart | None:
    if not table.bars:
        return None
    names = [column.name for column in table.columns]
    series = [[_length(row[names.index(bar)]) for row in shown] for bar in table.bars]
    return bar_chart([row[0] for row in rows], series, [str(COLUMNS[b]()) for b in table.bars])


def _length(value: Value) -> int | None:
    return value if isinstance(value, int) else None


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("stream.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("report.html")
