from __future__ import annotations

from stream.report.figures.cells import Cell
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
    assert dict(movements.cells.under()) == {
        ("movements", first, "granted"): Cell(2, 42),
        ("movements", first, "clawed_back"): Cell(1, 4),
        ("movements", second, "paid"): Cell(1, 31),
        ("movements", second, "corrected"): Cell(1, 2),
        ("movements", second, "expired"): Cell(2, 8),
        ("movements_by_rule", first, "spend", "granted"): Cell(2, 37),
        ("movements_by_rule", first, "welcome", "granted"): Cell(1, 5),
        ("movements_by_rule", first, "spend", "clawed_back"): Cell(1, 4),
        ("movements_by_rule", second, "spend", "expired"): Cell(1, 7),
        ("movements_by_rule", second, "forgotten", "expired"): Cell(1, 1),
    }
