"""What is hidden: too few people, and what would give them away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.report.disclosure import PEOPLE_MIN, hidden, lines
from stream.report.figures.cells import Cell, Key

ROWS = st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=1, max_size=6)


def test_a_cell_over_too_few_is_hidden_and_with_it_the_smallest_other() -> None:
    cells: dict[Key, Cell] = {("a",): Cell(19, 700), ("b",): Cell(500, 10), ("c",): Cell(40, 9_000)}
    assert hidden(cells, []) == {("a",)}
    assert hidden(cells, lines(cells, [0])) == {("a",), ("c",)}


def test_nobody_is_not_few() -> None:
    cells: dict[Key, Cell] = {("a",): Cell(0, 0), ("b",): Cell(PEOPLE_MIN, 1)}
    assert hidden(cells, lines(cells, [0])) == set()


def test_an_amount_whose_people_are_not_known_is_hidden() -> None:
    assert hidden({("a",): Cell(0, 3)}, []) == {("a",)}


@given(ROWS)
def test_no_difference_of_a_known_sum_is_over_too_few(rows: list[list[int]]) -> None:
    """Different people in each cell; sums of rows and of columns are known."""
    cells: dict[Key, Cell] = {
        (str(y), str(x)): Cell(people, people)
        for y, row in enumerate(rows)
        for x, people in enumerate(row)
    }
    sums = lines(cells, [0, 1])
    gone = hidden(cells, sums)
    assert {key for key, cell in cells.items() if cell.people in range(1, PEOPLE_MIN)} <= gone
    for line in sums:
        left = sum(cells[key].people for key in line if key in gone)
        # Where nobody else is in the line, the sum itself is over too few, and hidden as such.
        alone = left == sum(cells[key].people for key in line)
        assert left == 0 or left >= PEOPLE_MIN or alone
