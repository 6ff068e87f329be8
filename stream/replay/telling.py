"""A report as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from stream.commands.common import shanghai
from stream.replay.report import Report

_COLUMNS: Final = ("granted", "clawed_back", "expired")
_UNSAID: Final = {
    "below_threshold": "too few points",
    "lapsed": "no trigger lately",
    "consent": "no consent",
    "control_group": "control group",
    "rules": "no offers in the rules",
}


def document(report: Report, files: Sequence[Path]) -> dict[str, Any]:
    """All numbers; points are integers, times are as they are in Shanghai."""
    read = report.read
    return {
        "as_of": shanghai(report.as_of),
        "events": {
            "read": read.events,
            "left_out": read.left_out,
            "outcomes": report.by_outcome(),
        },
        "unreadable": {
            "lines": read.dead.total(),
            "reasons": dict(sorted(read.dead.items())),
            "first": [
                {
                    "file": str(files[unreadable.place.file]),
                    "line": unreadable.place.line,
                    "reason": unreadable.reason.value,
                    "message": unreadable.message,
                }
                for unreadable in read.named
            ],
        },
        "accounts": {"open": report.accounts - report.members, "members": report.members},
        "points": {
            "by_rule": {
                name: {column: columns[column] for column in _COLUMNS}
                for name, columns in sorted(report.books.rules.items())
            },
            **{column: _total(report, column) for column in _COLUMNS},
            "paid": report.books.paid,
            "balance": report.balance,
        },
        "offers": {
            "live": report.offers,
            "points": report.offered,
            "benefits": dict(sorted(report.benefits.items())),
            "none": dict(sorted(report.unsaid.items())),
        },
    }


def lines(report: Report, files: Sequence[Path]) -> Iterator[str]:
    """The same for people."""
    told = document(report, files)
    events, points, offers = told["events"], told["points"], told["offers"]
    outcomes = ", ".join(f"{count:,} {name}" for name, count in events["outcomes"].items())
    yield f"{events['read']:,} events: {outcomes or 'none'}"
    if events["left_out"]:
        yield f"{events['left_out']:,} of them came later and were left out"
    yield from _unreadable_lines(told["unreadable"])
    yield f"as of {told['as_of']}:"
    yield f"{told['accounts']['open']:,} open accounts, {told['accounts']['members']:,} members"
    yield ""
    yield f"{'points by rule':40}{'granted':>14}{'clawed back':>14}{'expired':>14}"
    for name, columns in [*points["by_rule"].items(), ("all", points)]:
        yield f"{name:40}" + "".join(f"{columns[column]:>14,}" for column in _COLUMNS)
    yield f"paid out {points['paid']:,}; balances {points['balance']:,}"
    yield ""
    yield f"{offers['live']:,} live offers of {offers['points']:,} points"
    for name, count in offers["benefits"].items():
        yield f"  {count:,} reach {name}"
    for name, count in offers["none"].items():
        yield f"  {count:,} accounts without: {_UNSAID.get(name, name)}"


def _unreadable_lines(unreadable: dict[str, Any]) -> Iterator[str]:
    if not unreadable["lines"]:
        return
    yield f"{unreadable['lines']:,} lines could not be read:"
    for name, count in unreadable["reasons"].items():
        yield f"  {count:,} {name}"
    for one in unreadable["first"]:
        yield f"  {one['file']}:{one['line']}: {one['reason']}: {one['message']}"


def _total(report: Report, column: str) -> int:
    return sum(columns[column] for columns in report.books.rules.values())
