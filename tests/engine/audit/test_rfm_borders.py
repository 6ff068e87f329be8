# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from random import Random

import pytest

from stream.engine.audit.rfm_borders import Histograms, Measured, cell_of, measured
from tests.engine.points.classes.test_timeline import days_of
from tests.support.books import DAY, HOUR, START


def histograms(people: list[Measured]) -> Histograms:
    found = Histograms()
    for one in people:
        found.add(one)
    return found


def test_fifths_of_a_hundred_customers_in_any_order() -> None:
    people = [Measured(n, 1 + n, 100 * n) for n in range(100)]
    first = histograms(people)
    Random(1).shuffle(people)
    assert histograms(people) == first
    borders = first.borders()
    assert borders is not None
    assert borders.r == [20, 40, 60, 80]
    assert borders.f == [21, 41, 61, 81]
    assert borders.m == [cell_of(n) for n in (2_000, 4_000, 6_000, 8_000)]
    fifths = [1 + sum(one.money >= border for border in borders.m) for one in people]
    assert [fifths.count(score) for score in range(1, 6)] == [20] * 5


def test_who_is_alike_has_one_score() -> None:
    borders = histograms([Measured(3, 1, 0)] * 30 + [Measured(9, 8, 50)] * 10).borders()
    assert borders is not None
    assert borders == ([4, 4, 4, 10], [1, 1, 1, 8], [1, 1, 1, 50])


@pytest.mark.parametrize("number", [0, 19])
def test_of_few_people_nothing_is_said(number: int) -> None:
    assert histograms([Measured(1, 1, 1)] * number).borders() is None


@pytest.mark.parametrize("amount", [0, 1, 127, 128, 12_345, 10**12 - 1])
def test_a_cell_is_narrow(amount: int) -> None:
    assert cell_of(amount) <= amount <= cell_of(amount) * 65 // 64 + 1


def test_a_customer_is_measured_within_the_window() -> None:
    days = days_of([(START, 5), (START + DAY, 100), (START + DAY + HOUR, 20), (START + 9 * DAY, 1)])
    now = START + 4 * DAY
    assert measured(days, now, 4) == Measured(3, 2, 120)
    assert measured(days, now, 365) == Measured(3, 3, 125)
    assert measured(days, now, 3) is None
