# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter

from stream.engine.model.decision import Channel, Publish
from stream.replay.event_reader import ReadSummary
from stream.replay.report import PointTotals, Report


def entry(kind: str, points: int, rule: str | None = "visit") -> Publish:
    data: dict[str, object] = {"kind": kind, "points": points}
    if rule is not None:
        data |= {"rule": rule, "ruleset_version": 2}
    return Publish(Channel.LEDGER, "entry.posted.v1", "id", "union.a.b", 0, data)


def test_entries_become_columns() -> None:
    points = PointTotals()
    points.enter_all([entry("accrual", 30), entry("clawback", -5), entry("expiry", -10)])
    points.enter_all([entry("expiry", -3, None), entry("transfer_in", 9, None)])
    points.enter_all([entry("payout", -7, None), entry("payout_correction", 2, None)])

    assert points.rules == {
        "visit@2": {"granted": 30, "clawed_back": 5, "expired": 10},
        "forgotten": {"expired": 3},
    }
    assert points.paid == 5


def test_reports_add_up_and_every_event_has_one_outcome() -> None:
    read = ReadSummary(
        events=10, left_out=1, refused=2, unreadable_reasons=Counter(malformed_json=3)
    )
    report = Report(as_of=5, read=read)
    for _ in range(2):
        part = Report(outcomes=Counter(applied=1, refused=1, parked=0), accounts=2, balance=7)
        part.points.enter_all([entry("accrual", 7)])
        report.add(part)

    assert report.by_outcome() == {"dead": 3, "refused": 4, "applied": 2}
    assert (report.accounts, report.balance, report.as_of) == (4, 14, 5)
    assert report.points.rules == {"visit@2": {"granted": 14}}
