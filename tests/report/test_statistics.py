# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from random import Random

import pytest

from stream.report.statistics import (
    Group,
    difference,
    people_needed,
    sample_ratio_p,
    wilson,
)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        (Group(56, 70), Group(48, 80), 0.0524, 0.3339),
        (Group(9, 10), Group(3, 10), 0.1705, 0.8090),
        (Group(6, 7), Group(2, 7), 0.0582, 0.8062),
        (Group(5, 56), Group(0, 29), -0.0381, 0.1926),
        (Group(0, 10), Group(0, 20), -0.1611, 0.2775),
        (Group(10, 10), Group(0, 10), 0.6075, 1.0),
    ],
)
def test_the_examples_of_the_paper(one: Group, other: Group, low: float, high: float) -> None:
    """Newcombe 1998, table II, method 10."""
    found = difference(one, other)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    back = difference(other, one)
    assert (round(-back.high, 4), round(-back.low, 4)) == (low, high)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Few sign-ups and a small control group: the usual interval would cover half of them."""
    random, covered, tries = Random(5), 0, 400
    for _ in range(tries):
        low, high = difference(_drawn(random, 1_900, 0.01), _drawn(random, 100, 0.008))
        covered += low <= 0.002 <= high
    assert 0.92 < covered / tries < 0.99


def _drawn(random: Random, people: int, share: float) -> Group:
    return Group(sum(random.random() < share for _ in range(people)), people)


def test_a_score_interval_stays_within_0_and_1() -> None:
    assert wilson(Group(0, 20)).low == pytest.approx(0, abs=1e-12)
    assert wilson(Group(20, 20)).high == pytest.approx(1)


def test_groups_unlike_what_was_drawn_are_noticed() -> None:
    assert sample_ratio_p(100, 100, 90) == 1
    assert sample_ratio_p(119, 100, 100) == pytest.approx(0.0574, abs=1e-4)  # 1.9 deviations
    assert sample_ratio_p(60, 100, 90) < 0.001
    assert sample_ratio_p(0, 0, 0) == 1


def test_more_people_are_needed_the_smaller_the_difference() -> None:
    # 1 % against 2 %: 2,316 in each group, as tables of this formula say
    assert people_needed(Group(2, 100), Group(1, 100)) == pytest.approx(2 * 2_316 - 200, abs=1)
    assert people_needed(Group(20_000, 10**6), Group(10_000, 10**6)) == 0
    assert people_needed(Group(1, 100), Group(2, 200)) is None
