# SPDX-License-Identifier: Apache-2.0
"""Write the tables of a report: one JSON file, and a CSV file for each table.

What is missing is null in JSON and empty in CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, Final

import orjson

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.report.figures.counts import Counts
from stream.report.table import Missing, Table, Value
from stream.report.tables import tables_of

#: Digits after the point: of a share a hundredth of a percent.
_DIGITS: Final = 4


def documents(tables: Sequence[Table], as_of: str) -> Mapping[str, str]:
    """The contents of all files by their names; ``as_of`` is an ISO 8601 time."""
    named = {f"{table.name}.csv": _csv(table) for table in tables}
    return {"report.json": _json(tables, as_of), **named}


def write_all(directory: Path, documents: Mapping[str, str]) -> None:
    """Write files for everybody who may read the directory; raises ``OSError``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (directory / name).write_text(text, "utf-8")


def _json(tables: Sequence[Table], as_of: str) -> str:
    document: dict[str, Any] = {"as_of": as_of, "people_min": PEOPLE_MIN}
    document["tables"] = {
        table.name: [
            dict(zip((c.name for c in table.columns), map(_plain, row), strict=True))
            for row in table.rows
        ]
        for table in tables
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


class ReportUnreadable(Exception):
    """A file is no report of this version."""


def read_report(path: Path) -> tuple[str, dict[str, Table]]:
    """``as_of``, and the tables of a ``report.json`` by name; raises ``ReportUnreadable``."""
    try:
        document = orjson.loads(path.read_bytes())
        stored = document["tables"]
        tables = {
            table.name: replace(table, rows=tuple(_row(table, row) for row in stored[table.name]))
            for table in tables_of(Counts())
            if table.name in stored
        }
        return str(document["as_of"]), tables
    except (OSError, ValueError, KeyError, TypeError):
        raise ReportUnreadable from None


def _row(table: Table, row: Mapping[str, Any]) -> tuple[Value, ...]:
    values = [row[column.name] for column in table.columns]
    return tuple(Missing.UNKNOWN if value is None else value for value in values)


def _csv(table: Table) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([map(_plain, row) for row in table.rows])
    return text.getvalue()


def _plain(value: Value) -> str | int | float | None:
    if isinstance(value, Missing):
        return None
    return round(value, _DIGITS) if isinstance(value, float) else value
