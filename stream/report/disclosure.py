"""Say nothing about fewer than 20 people: which cells of a table are left out.

A cell over fewer is hidden. Where a sum of cells is known and what is hidden in it is over fewer
than 20 people together, as far as one can tell, the smallest other cell is hidden, too: else the
sum less the cells that are shown would give it away (secondary suppression; Hundepool et al.,
Statistical Disclosure Control, 2012, chapter 4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from stream.report.figures.cells import Cell, Key

PEOPLE_MIN: Final = 20


def is_too_few(cell: Cell) -> bool:
    """Whether a cell is over some people, but fewer than 20."""
    return cell.people < PEOPLE_MIN and bool(cell.people or cell.amount)


def lines(keys: Iterable[Key], positions: Collection[int]) -> list[list[Key]]:
    """The cells that add up to something: those that differ at one of these positions alone."""
    found: dict[tuple[int, Key], list[Key]] = defaultdict(list)
    for key in keys:
        for at in positions:
            found[at, (*key[:at], *key[at + 1 :])].append(key)
    return list(found.values())


def hidden(cells: Mapping[Key, Cell], sums: Sequence[Sequence[Key]]) -> set[Key]:
    """The keys of the cells to hide, where the cells of each of ``sums`` add up to a known sum."""
    gone = {key for key, cell in cells.items() if is_too_few(cell)}
    again = bool(gone)
    while again:
        again = False
        for line in sums:
            mine = [cells[key].people for key in line if key in gone]
            others = [key for key in line if key not in gone and cells[key].people]
            # People may be in several cells, so that only the largest is sure.
            if mine and others and max(mine) < PEOPLE_MIN:
                gone.add(min(others, key=lambda key: (cells[key].people, key)))
                again = True
    return gone
