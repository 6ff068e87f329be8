# SPDX-License-Identifier: Apache-2.0
"""Figures of the last report, and the counters of the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stream.desk.sources import Sources
from stream.desk.table import table
from stream.language import desk_messages as m
from stream.language.message import Phrase
from stream.report.files import ReportUnreadable, read_report
from stream.report.page import Section, section
from stream.report.table import Table

OVERVIEW: Final = (
    "overview", "liability_by_age", "liability_by_expiry", "movements", "breakage", "stitch_by_app",
)  # fmt: skip
OFFERS: Final = (
    "offers", "uplift", "uplift_effect", "sample_ratio", "not_compared", "reactivation",
    "reactivation_effect",
)  # fmt: skip
RULES: Final = ("rules",)


async def outcomes(sources: Sources) -> Section:
    """Records by what became of them."""
    counts = await sources.tables.counts(range(sources.settings.partitions))
    rows = sorted(counts.items())
    headings = [m.H_OUTCOME(), m.H_RECORDS()]
    return table("records", m.RECORDS(), m.RECORDS_NOTE(), headings, rows, bars=1)


def figures(path: Path | None, names: tuple[str, ...]) -> tuple[Phrase, list[Section]]:
    """Some tables of the report, and a sentence about it."""
    if path is None:
        return m.NO_REPORT(), []
    try:
        as_of, tables = read_report(path)
    except ReportUnreadable:
        return m.BAD_REPORT(), []
    wanted: list[Table] = [tables[name] for name in names if name in tables]
    return m.FROM_REPORT(time=as_of), [section(one) for one in wanted]
