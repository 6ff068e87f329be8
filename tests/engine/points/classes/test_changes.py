# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.engine.model.calendar import start_of
from stream.engine.points.classes.bought import FEN, NUMBER, Day
from stream.engine.points.classes.changes import aged, fallen, reached, risen


def day(number: int, *fens: int) -> Day:
    purchases = [(start_of(number) + ms, 1, fen) for ms, fen in enumerate(fens)]
    return Day(number, len(fens), sum(fens), purchases)


def test_a_sum_reaches_borders_within_a_day_and_leaves_them_at_midnight() -> None:
    days = [day(100, 4, 6, 90), day(103, 1)]
    found = reached(days, [110, 113], (10, 100), FEN)
    begins = start_of(100)
    assert found == [risen(begins + 1, 1), risen(begins + 2, 2), fallen(110, 0)]
    assert reached(days, [110, 113], (4,), NUMBER) == [risen(start_of(103), 1), fallen(110, 0)]


def test_days_which_leave_together_fall_once() -> None:
    assert reached([day(1, 5), day(2, 5)], [9, 9], (5, 10), FEN)[-1] == fallen(9, 0)


def test_what_leaves_on_the_day_of_a_purchase_has_left_before_it() -> None:
    found = reached([day(1, 10), day(8, 10)], [8, 15], (10,), FEN)
    assert found[1:3] == [fallen(8, 0), risen(start_of(8), 1)]


def test_age_counts_from_the_last_purchase() -> None:
    found = aged([day(1, 1), day(2, 1), day(7, 1)], (1, 3, 9))
    assert found == [
        *(risen(start_of(1), 0), fallen(2, 1), risen(start_of(2), 0), fallen(3, 1), fallen(5, 2)),
        *(risen(start_of(7), 0), fallen(8, 1), fallen(10, 2), fallen(16, 3)),
    ]
    assert aged([], (1,)) == []
