# SPDX-License-Identifier: Apache-2.0
"""The tables of experiments: who signed up or came back of both groups, and what that shows."""

from __future__ import annotations

from collections.abc import Iterator

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.report.breakdown import Breakdown, Row, rows_of, simple_table
from stream.report.figures.counts import Counts, Key
from stream.report.statistics import (
    MISMATCH_BELOW,
    Group,
    difference,
    people_needed,
    sample_ratio_p,
)
from stream.report.table import Column, Kind, Missing, Table, Value, label, number, share_of

_EFFECT = ("difference", "low", "high")


def experiment_tables(counts: Counts) -> Iterator[Table]:
    """Sign-ups, what they show, and returns, by experiment."""
    yield _groups(counts, "uplift", "eligible", "signed_up")
    yield _effects(counts, "uplift", "eligible", "signed_up")
    yield _sample(counts)
    left_out = ("too_early", "several", "crossed")
    yield simple_table(counts, "not_compared", ("experiment",), left_out, along=())
    yield _groups(counts, "reactivation", "silent", "back")
    yield _effects(counts, "reactivation", "silent", "back")


def _rows(counts: Counts, name: str, of: str, did: str) -> dict[Key, Row]:
    """By experiment and group. Who did not is known by subtraction, so it must not be few."""
    return Breakdown(name, 2, (did, f"not_{did}"), of, along=()).rows(counts)


def _groups(counts: Counts, name: str, of: str, did: str) -> Table:
    rows = _rows(counts, name, of, did)
    for row in rows.values():
        row["share"] = share_of(row[did], row[of])
    columns = label("experiment"), label("group"), number(of), number(did)
    table = rows_of(rows, [of, did, "share"])
    return Table(name, (*columns, Column("share", Kind.SHARE)), table)


def _effects(counts: Counts, name: str, of: str, did: str) -> Table:
    """The treated less the control group, with a 95 % interval."""
    rows = _rows(counts, name, of, did)
    columns = (
        label("experiment"),
        *(Column(effect, Kind.SHARE) for effect in _EFFECT),
        number("people_needed"),
    )
    experiments = sorted({experiment for experiment, group in rows if group != "all"})
    found: list[tuple[Value, ...]] = []
    for experiment in experiments:
        treated, control = (
            _group(rows.get((experiment, group), {}), of, did) for group in ("treated", "control")
        )
        found.append((experiment, *_effect(treated, control)))
    return Table(f"{name}_effect", columns, tuple(found))


def _group(row: Row, of: str, did: str) -> Group | Missing:
    people, number_of = row.get(of, 0), row.get(did, 0)
    if isinstance(people, int) and isinstance(number_of, int):
        return Group(number_of, people) if people else Missing.NOT_YET
    return Missing.HIDDEN


def _effect(treated: Group | Missing, control: Group | Missing) -> list[Value]:
    if isinstance(treated, Missing):
        return [treated] * 4
    if isinstance(control, Missing):
        return [control] * 4
    interval = difference(treated, control)
    if interval.low <= 0 <= interval.high:
        more = people_needed(treated, control)
        needed: Value = Missing.NOT_YET if more is None else more
    else:
        needed = 0
    return [treated.share - control.share, interval.low, interval.high, needed]


def _sample(counts: Counts) -> Table:
    """Whether the groups are as large as they were drawn: else nothing can be compared."""
    found: list[tuple[Value, ...]] = []
    for experiment in counts.names("sample"):
        expected = variance = 0.0
        treated = control = 0
        for percent in counts.names("sample", experiment):
            mine, others = (
                counts["sample", experiment, percent, group].people
                for group in ("control", "treated")
            )
            share = int(percent) / 100
            control, treated = control + mine, treated + others
            expected += (mine + others) * share
            variance += (mine + others) * share * (1 - share)
        p = sample_ratio_p(control, expected, variance)
        few = min(treated, control) < PEOPLE_MIN
        as_drawn = "no" if p < MISMATCH_BELOW else "yes"
        found.append((experiment, Missing.HIDDEN if few else p, as_drawn))
    columns = label("experiment"), Column("p", Kind.SHARE), label("as_drawn")
    return Table("sample_ratio", columns, tuple(found))
