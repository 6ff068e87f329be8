# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report.figures.counts import Count, Counts

KEYS = st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"))
PEOPLE = st.lists(st.dictionaries(KEYS, st.integers(-3, 3), max_size=4), max_size=12)


def counts_of(people: list[dict[tuple[str, ...], int]]) -> Counts:
    counts = Counts()
    for person in people:
        counts.add_person(person)
    return counts


@given(PEOPLE, PEOPLE)
def test_partitions_add_up_whatever_is_where(
    some: list[dict[tuple[str, ...], int]], others: list[dict[tuple[str, ...], int]]
) -> None:
    one, other, every = counts_of(some), counts_of(others), counts_of([*some, *others])
    total = Counts.load(other.dump())
    total.merge(one)
    assert total == every
    assert total.dump() == every.dump()


def test_who_adds_nothing_is_not_in_the_cell() -> None:
    counts = counts_of([{("a", "x"): 0, ("a", "y"): 5}, {("a", "y"): 1}])
    assert list(counts.under("a")) == [(("y",), Count(2, 6))]
    assert counts["a", "x"] == Count(0, 0)


def test_other_bytes_are_no_cells() -> None:
    with pytest.raises(msgspec.MsgspecError):
        Counts.load(b"\x81\x01\x02")
