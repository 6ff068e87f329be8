# SPDX-License-Identifier: Apache-2.0
"""Format a replay's report as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from stream.commands.common import shanghai
from stream.engine.model.ruleset import RuleBook
from stream.language import command_messages as say
from stream.language.message import Said
from stream.replay.event_reader import ReadSummary
from stream.replay.report import Report

_COLUMNS: Final = ("granted", "clawed_back", "expired")
_NO_OFFER_REASONS: Final = {
    "below_threshold": "too few points",
    "lapsed": "no trigger lately",
    "consent": "no consent",
    "control_group": "control group",
    "rules": "no offers in the rules",
}


def document(report: Report, files: Sequence[Path]) -> dict[str, Any]:
    """All numbers for JSON; points are integers, times are Shanghai's."""
    read = report.read
    compared = {} if report.against is None else {"against": document(report.against, files)}
    return {
        "as_of": shanghai(report.as_of),
        "events": {
            "read": read.events,
            "left_out": read.left_out,
            "outcomes": report.by_outcome(),
        },
        "unreadable": {
            "lines": read.unreadable_reasons.total(),
            "reasons": dict(sorted(read.unreadable_reasons.items())),
            "first": [
                {
                    "file": str(files[unreadable.position.file]),
                    "line": unreadable.position.line,
                    "reason": unreadable.reason.value,
                    "message": unreadable.message,
                }
                for unreadable in read.examples
            ],
        },
        "accounts": {"open": report.accounts - report.members, "members": report.members},
        "points": {
            "by_rule": {
                name: {column: columns[column] for column in _COLUMNS}
                for name, columns in sorted(report.points.rules.items())
            },
            **{column: _total(report, column) for column in _COLUMNS},
            "paid": report.points.paid,
            "balance": report.balance,
        },
        "offers": {
            "live": report.offers,
            "points": report.offered,
            "benefits": dict(sorted(report.benefits.items())),
            "none": dict(sorted(report.without_offer.items())),
        },
        **compared,
    }


def lines(report: Report, files: Sequence[Path]) -> Iterator[str]:
    """The report as lines of text."""
    found = document(report, files)
    events, points, offers = found["events"], found["points"], found["offers"]
    outcomes = ", ".join(f"{count:,} {name}" for name, count in events["outcomes"].items())
    yield f"{events['read']:,} events: {outcomes or 'none'}"
    if events["left_out"]:
        yield f"{events['left_out']:,} of them came later and were left out"
    yield from _unreadable_lines(found["unreadable"])
    yield f"as of {found['as_of']}:"
    yield f"{found['accounts']['open']:,} open accounts, {found['accounts']['members']:,} members"
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
        yield f"  {count:,} accounts without: {_NO_OFFER_REASONS.get(name, name)}"


def unused_versions(book: RuleBook, read: ReadSummary) -> Iterator[Said]:
    """A sentence for each version that begins after all events, so that it changes nothing."""
    for version in book.versions:
        if read.happened is not None and version.effective_ms > read.happened:
            since = shanghai(version.effective_ms)
            yield say.JUDGED_NOTHING(version=version.version, since=since)


def foreign_topics(read: ReadSummary, prefix: str) -> Iterator[Said]:
    """A sentence for each topic of lines that no events come on."""
    for topic, count in sorted(read.foreign.items()):
        yield say.NO_EVENTS_ON_TOPIC(topic=topic, count=f"{count:,}", prefix=prefix or "''")


def no_events(read: ReadSummary) -> bool:
    """Whether nothing that was read is an event."""
    return read.events == read.unreadable_reasons.total()


def _unreadable_lines(unreadable: dict[str, Any]) -> Iterator[str]:
    if not unreadable["lines"]:
        return
    yield f"{unreadable['lines']:,} lines could not be read:"
    for name, count in unreadable["reasons"].items():
        yield f"  {count:,} {name}"
    for one in unreadable["first"]:
        yield f"  {one['file']}:{one['line']}: {one['reason']}: {one['message']}"


def _total(report: Report, column: str) -> int:
    return sum(columns[column] for columns in report.points.rules.values())
