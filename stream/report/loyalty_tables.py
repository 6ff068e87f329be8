# SPDX-License-Identifier: Apache-2.0
"""The tables of people: classes, cohorts, repeat purchases, channels, and known origins."""

from __future__ import annotations

from collections.abc import Iterator

from stream.report.breakdown import Breakdown, rows_of, simple_table
from stream.report.figures.counts import Counts
from stream.report.figures.loyalty import RETENTION_DAYS
from stream.report.figures.periods import ARCHIVED
from stream.report.table import Column, Kind, Table, Value, label, number, share_of


def loyalty_tables(counts: Counts) -> Iterator[Table]:
    """All of them."""
    labels = "class", "class_value"
    yield simple_table(counts, "classes", labels, ("consumers",), along=(1,))
    yield _retention(counts)
    yield _repeat(counts)
    yield _channels(counts)
    yield simple_table(counts, "channel_reach", ("channel",), ("consumers",), along=())
    yield _stitched(counts, "stitch_by_app", "appid")
    yield _stitched(counts, "stitch", "appid", "age_days")


def _retention(counts: Counts) -> Table:
    """A row for each cohort and day; ``old_enough`` are those for whom the day is over."""
    sizes = Breakdown("cohorts", 1, ("buyers",)).rows(counts)
    on = Breakdown("retention", 2, ("on", "not_on"), "old_enough", along=()).rows(counts)
    since = Breakdown("retention", 2, ("since", "not_since"), "old_enough", along=()).rows(counts)
    found: list[tuple[Value, ...]] = []
    for (cohort,), size in sizes.items():
        for day in RETENTION_DAYS if cohort != ARCHIVED else ():
            key = cohort, f"{day:03d}"
            both = on.get(key, {}) | since.get(key, {})
            people, bounded, unbounded = (both.get(m, 0) for m in ("old_enough", "on", "since"))
            shares = share_of(bounded, people), share_of(unbounded, people)
            found.append((cohort, size["buyers"], day, people, *shares))
    columns = (
        label("cohort"),
        *map(number, ("buyers", "day_n", "old_enough")),
        *(Column(name, Kind.SHARE) for name in ("on_day", "on_day_or_later")),
    )
    return Table("retention", columns, tuple(found))


def _repeat(counts: Counts) -> Table:
    rows = Breakdown("repeat", 0, ("once", "again"), "buyers", along=()).rows(counts)
    for row in rows.values():
        row["share"] = share_of(row["again"], row["buyers"])
    columns = number("buyers"), number("again"), Column("share", Kind.SHARE)
    return Table("repeat", columns, rows_of(rows, ["buyers", "again", "share"]))


def _channels(counts: Counts) -> Table:
    """How many used one channel, two, or more; together they are the active ones."""
    rows = Breakdown("channels", 1, ("consumers",)).rows(counts)
    (active,) = Breakdown("active", 0, ("consumers",), along=()).rows(counts).values() or [{}]
    for row in rows.values():
        row["share"] = share_of(row["consumers"], active.get("consumers", 0))
    columns = label("channels"), number("consumers"), Column("share", Kind.SHARE)
    return Table("channels", columns, rows_of(rows, ["consumers", "share"]), ("consumers",))


def _stitched(counts: Counts, name: str, *labels: str) -> Table:
    """Within an app the classes of age add up."""
    along = (1,) if len(labels) > 1 else ()
    rows = Breakdown(name, len(labels), ("bound", "unbound"), "origins", along).rows(counts)
    for row in rows.values():
        row["share"] = share_of(row["bound"], row["origins"])
    columns = (*map(label, labels), number("origins"), number("bound"))
    table = rows_of(rows, ["origins", "bound", "share"])
    return Table(name, (*columns, Column("share", Kind.SHARE)), table)
