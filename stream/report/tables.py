# SPDX-License-Identifier: Apache-2.0
"""All tables of a report, made of the counts of all partitions."""

from __future__ import annotations

from collections.abc import Iterator

from stream.report.breakdown import Breakdown, median_of, rows_of, simple_table
from stream.report.experiment_tables import experiment_tables
from stream.report.figures.counts import Counts
from stream.report.figures.weights import HEAVIEST
from stream.report.loyalty_tables import loyalty_tables
from stream.report.table import Column, Kind, Missing, Table, Value, label, number, share_of

_MOVED = ("granted", "clawed_back", "expired")
_FATES = ("outstanding", "pending", "paid", "expired")
_ENDS = ("live", "accepted", "lapsed", "withdrawn", "superseded")

#: What the overview counts, each by itself, and what it is measured in.
_OVERVIEW = (
    "consumers", "members", "consumers_with_points", "points_outstanding", "points_pending",
    "points_paid", "points_expired", "live_offers", "points_offered",
)  # fmt: skip


def tables_of(counts: Counts) -> list[Table]:
    """The tables in the order in which they are shown."""
    return [
        _overview(counts),
        simple_table(counts, "liability_by_age", ("age_days",), ("points",), bars=("points",)),
        simple_table(counts, "liability_by_expiry", ("month",), ("points",), bars=("points",)),
        simple_table(
            counts,
            "movements",
            ("day",),
            (*_MOVED, "paid", "corrected"),
            bars=("granted", "paid", "expired"),
        ),
        simple_table(counts, "movements_by_rule", ("day", "rule"), _MOVED, along=(0, 1)),
        simple_table(counts, "rules", ("rule",), _FATES, "granted", bars=("granted",)),
        _breakage(counts),
        _offers(counts),
        *experiment_tables(counts),
        *loyalty_tables(counts),
        *_weights(counts),
    ]


def _overview(counts: Counts) -> Table:
    """One measure a row. Who is no member is counted beside the members, and not shown."""
    parts = (*_OVERVIEW, "not_members")
    shown = Breakdown("overview", 0, parts, along=()).rows(counts).get((), {})
    if shown.get("not_members") is Missing.HIDDEN:
        shown["members"] = Missing.HIDDEN
    rows = tuple((name, shown.get(name, 0)) for name in _OVERVIEW)
    return Table("overview", (label("measure"), number("value")), rows)


def _breakage(counts: Counts) -> Table:
    """The share of points that expired, of months of which nothing is outstanding or pending."""
    rows = Breakdown("breakage", 1, _FATES, "granted").rows(counts)
    for row in rows.values():
        over = row["outstanding"] == 0 == row["pending"]
        row["settled"] = _sum(row["expired"], row["paid"])
        row["share"] = share_of(row["expired"], row["settled"]) if over else Missing.NOT_YET
    names = ["granted", *_FATES, "share"]
    columns = (label("month"), *map(number, names[:-1]), Column("share", Kind.SHARE))
    return Table("breakage", columns, rows_of(rows, names))


def _sum(*values: Value) -> Value:
    total = 0
    for value in values:
        if not isinstance(value, int):
            return value
        total += value
    return total


def _offers(counts: Counts) -> Table:
    rows = Breakdown("offers", 1, _ENDS, "made").rows(counts)
    for (month,), row in rows.items():
        row["acceptance"] = share_of(row["accepted"], row["made"])
        for end in ("accepted", "lapsed"):
            row[f"{end}_after_hours"] = median_of(counts, "offer_hours", month, end)
    hours = ["accepted_after_hours", "lapsed_after_hours"]
    columns = (
        label("month"),
        *map(number, ("made", *_ENDS)),
        Column("acceptance", Kind.SHARE),
        *(Column(name, Kind.HOURS) for name in hours),
    )
    names = [column.name for column in columns[1:]]
    return Table("offers", columns, rows_of(rows, names), ("made", "accepted", "lapsed"))


def _weights(counts: Counts) -> Iterator[Table]:
    yield simple_table(counts, "weights", ("kind", "up_to_kib"), ("entities", "bytes"), along=(1,))
    # Sizes of what is stored, without a name: about nobody, so that none is left out.
    sizes = [rest for rest, count in counts.under("heaviest") for _ in range(count.amount)]
    rows = tuple((kind, -(-int(size) // 1024)) for size, kind in sizes[: -HEAVIEST - 1 : -1])
    yield Table("heaviest", (label("kind"), number("kib")), rows)
