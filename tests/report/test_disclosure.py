# SPDX-License-Identifier: Apache-2.0
"""What is hidden: too few people, and what would give them away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.audit.rfm_borders import PEOPLE_MIN
from stream.report.disclosure import hidden, lines
from stream.report.figures.counts import Count, Key

ROWS = st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=1, max_size=6)


def test_a_count_over_too_few_is_hidden_and_with_it_the_smallest_other() -> None:
    counts: dict[Key, Count] = {
        ("a",): Count(19, 700),
        ("b",): Count(500, 10),
        ("c",): Count(40, 9_000),
    }
    assert hidden(counts, []) == {("a",)}
    assert hidden(counts, lines(counts, [0])) == {("a",), ("c",)}


def test_nobody_is_not_few() -> None:
    counts: dict[Key, Count] = {("a",): Count(0, 0), ("b",): Count(PEOPLE_MIN, 1)}
    assert hidden(counts, lines(counts, [0])) == set()


def test_an_amount_whose_people_are_not_known_is_hidden() -> None:
    assert hidden({("a",): Count(0, 3)}, []) == {("a",)}


@given(ROWS)
def test_no_difference_of_a_known_sum_is_over_too_few(rows: list[list[int]]) -> None:
    """Different people in each count; sums of rows and of columns are known."""
    counts: dict[Key, Count] = {
        (str(y), str(x)): Count(people, people)
        for y, row in enumerate(rows)
        for x, people in enumerate(row)
    }
    sums = lines(counts, [0, 1])
    gone = hidden(counts, sums)
    assert {key for key, count in counts.items() if count.people in range(1, PEOPLE_MIN)} <= gone
    for line in sums:
        left = sum(counts[key].people for key in line if key in gone)
        # Where nobody else is in the line, the sum itself is over too few, and hidden as such.
        alone = left == sum(counts[key].people for key in line)
        assert left == 0 or left >= PEOPLE_MIN or alone
