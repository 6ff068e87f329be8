# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from pathlib import Path

from schemas import Reason
from stream.commands.replay_report import document, lines
from stream.replay.event_reader import ReadSummary, Unreadable
from stream.replay.input_files import LinePosition
from stream.replay.report import Report
from tests.replay.test_report import entry

FILES = [Path("a.jsonl"), Path("b.jsonl")]


def report() -> Report:
    unreadable = Unreadable(LinePosition(1, 7), Reason.MALFORMED_JSON, "The value is not JSON.")
    unreadable_reasons = Counter({"malformed_json": 2, "invalid_data": 1})
    found = Report(
        as_of=1_772_294_400_000,
        read=ReadSummary(
            events=1_010,
            left_out=5,
            refused=1,
            unreadable_reasons=unreadable_reasons,
            examples=[unreadable],
        ),
        outcomes=Counter(applied=1_000, duplicate=1),
        accounts=12,
        members=2,
        balance=1_250,
        offers=1,
        offered=1_200,
        without_offer=Counter(below_threshold=8, new_reason=1),
        benefits=Counter(coffee=1),
    )
    found.points.enter_all([entry("accrual", 1_400), entry("clawback", -50), entry("payout", -100)])
    return found


def test_the_report_as_json() -> None:
    assert document(report(), FILES) == {
        "as_of": "2026-03-01T00:00:00+08:00",
        "events": {
            "read": 1_010,
            "left_out": 5,
            "outcomes": {"dead": 3, "refused": 1, "duplicate": 1, "applied": 1_000},
        },
        "unreadable": {
            "lines": 3,
            "reasons": {"invalid_data": 1, "malformed_json": 2},
            "first": [
                {
                    "file": "b.jsonl",
                    "line": 7,
                    "reason": "malformed_json",
                    "message": "The value is not JSON.",
                }
            ],
        },
        "accounts": {"open": 10, "members": 2},
        "points": {
            "by_rule": {"visit@2": {"granted": 1_400, "clawed_back": 50, "expired": 0}},
            "granted": 1_400,
            "clawed_back": 50,
            "expired": 0,
            "paid": 100,
            "balance": 1_250,
        },
        "offers": {
            "live": 1,
            "points": 1_200,
            "benefits": {"coffee": 1},
            "none": {"below_threshold": 8, "new_reason": 1},
        },
    }


def test_the_report_in_words() -> None:
    assert [*lines(report(), FILES)] == [
        "1,010 events: 3 dead, 1 refused, 1 duplicate, 1,000 applied",
        "5 of them came later and were left out",
        "3 lines could not be read:",
        "  1 invalid_data",
        "  2 malformed_json",
        "  b.jsonl:7: malformed_json: The value is not JSON.",
        "as of 2026-03-01T00:00:00+08:00:",
        "10 open accounts, 2 members",
        "",
        "points by rule                                 granted   clawed back       expired",
        "visit@2                                          1,400            50             0",
        "all                                              1,400            50             0",
        "paid out 100; balances 1,250",
        "",
        "1 live offers of 1,200 points",
        "  1 reach coffee",
        "  8 accounts without: too few points",
        "  1 accounts without: new_reason",
    ]


def test_the_report_of_nothing_is_short() -> None:
    assert next(lines(Report(), [])) == "0 events: none"
