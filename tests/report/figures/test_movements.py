# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.report.figures.counts import Count
from stream.report.figures.events import Told
from stream.report.figures.movements import Movements
from tests.support.books import DAY, HOUR, START


def entry(kind: str, points: int, consumer: str, at: int = START, rule: str = "") -> Told:
    data = {"kind": kind, "points": points, **({"rule": rule} if rule else {})}
    return Told("entry.posted.v1", consumer, at, data)


def test_a_day_has_what_was_decided_on_it_and_each_person_once() -> None:
    movements = Movements()
    for one in (
        entry("accrual", 30, "Mei", rule="spend"),
        entry("accrual", 5, "Mei", START + HOUR, "welcome"),
        entry("accrual", 7, "Dan", START + HOUR, "spend"),
        entry("clawback", -4, "Mei", START + DAY - 1, "spend"),
        entry("transfer_out", -7, "Dan", START + DAY - 1),
        entry("payout", -31, "Mei", START + DAY),
        entry("payout_correction", 2, "Mei", START + DAY),
        entry("expiry", -7, "Dan", START + DAY, "spend"),
        entry("expiry", -1, "Li", START + DAY),
    ):
        movements.add(one)
    first, second = "2026-03-01", "2026-03-02"
    assert dict(movements.counts.under()) == {
        ("movements", first, "granted"): Count(2, 42),
        ("movements", first, "clawed_back"): Count(1, 4),
        ("movements", second, "paid"): Count(1, 31),
        ("movements", second, "corrected"): Count(1, 2),
        ("movements", second, "expired"): Count(2, 8),
        ("movements_by_rule", first, "spend", "granted"): Count(2, 37),
        ("movements_by_rule", first, "welcome", "granted"): Count(1, 5),
        ("movements_by_rule", first, "spend", "clawed_back"): Count(1, 4),
        ("movements_by_rule", second, "spend", "expired"): Count(1, 7),
        ("movements_by_rule", second, "forgotten", "expired"): Count(1, 1),
    }
