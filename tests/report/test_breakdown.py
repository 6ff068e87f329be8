# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.report.breakdown import Breakdown, median_of
from stream.report.figures.counts import Counts
from stream.report.table import Missing, Value

HIDDEN = Missing.HIDDEN


def counts_of(**amounts: dict[tuple[str, ...], tuple[int, int]]) -> Counts:
    counts = Counts()
    for name, some in amounts.items():
        for key, (people, amount) in some.items():
            counts.add((name, *key), amount, people)
    return counts


def test_a_row_has_every_measure_and_nothing_about_few() -> None:
    counts = counts_of(
        offers={
            ("2026-03", "made"): (90, 100), ("2026-03", "live"): (30, 31),
            ("2026-03", "lapsed"): (50, 59), ("2026-03", "accepted"): (10, 10),
            ("2026-04", "made"): (40, 40), ("2026-04", "live"): (40, 40),
        }
    )  # fmt: skip
    parts = ("live", "accepted", "lapsed")
    assert Breakdown("offers", 1, parts, "made", along=()).rows(counts) == {
        ("2026-03",): {"made": 100, "live": HIDDEN, "accepted": HIDDEN, "lapsed": 59},
        ("2026-04",): {"made": 40, "live": 40, "accepted": 0, "lapsed": 0},
    }


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({3: (20, 20)}, 3),
        ({1: (20, 20), 9: (19, 19)}, 1),
        ({1: (20, 20), 9: (20, 20)}, 1),
        ({1: (20, 20), 9: (21, 21)}, 9),
        ({1: (10, 10), 9: (9, 500)}, HIDDEN),
        ({}, Missing.NOT_YET),
    ],
)
def test_a_median_is_the_lower_of_the_two_in_the_middle(
    hours: dict[int, tuple[int, int]], expected: Value
) -> None:
    counts = counts_of(hours={("a", f"{hour:06d}"): count for hour, count in hours.items()})
    assert median_of(counts, "hours", "a") == expected
