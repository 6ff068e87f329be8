# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.kafka.dead_letter_reader import (
    DeadLetter,
    Place,
    Replayed,
    Selection,
    parse_place,
    ranges,
)

TOPIC = "t.shadow.dead-letters"


def letter(offset: int = 1, reason: str = "too_late", time_ms: int = 100) -> DeadLetter:
    original = Place("t.wechat.pay", 2, 7)
    return DeadLetter(
        Place(TOPIC, 2, offset), original, reason, "identify", "", time_ms, None, b"v", ()
    )


@pytest.mark.parametrize("text", ["3@42", f"{TOPIC}-3@42"])
def test_a_place_is_read_as_it_is_written(text: str) -> None:
    assert parse_place(text, TOPIC) == Place(TOPIC, 3, 42)
    assert str(Place(TOPIC, 3, 42)) == f"{TOPIC}-3@42"


@pytest.mark.parametrize("text", ["", "3", "@42", "3@", "-3@42", "other-3@42", f"{TOPIC}-3@42 "])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a place looks like"):
        parse_place(text, TOPIC)


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        (Selection(), True),
        (Selection(reasons=frozenset({"too_late", "in_future"})), True),
        (Selection(reasons=frozenset({"in_future"})), False),
        (Selection(topics=frozenset({"t.wechat.pay"})), True),
        (Selection(topics=frozenset({"wechat.pay"})), False),
        (Selection(since_ms=100, until_ms=101), True),
        (Selection(since_ms=101), False),
        (Selection(until_ms=100), False),
    ],
)
def test_a_selection_has_what_fits_all_of_it(selection: Selection, selected: bool) -> None:
    assert selection.has(letter()) is selected


def test_replayed_letters_are_remembered_by_place() -> None:
    replayed = Replayed()
    replayed.add(2, 7, 9)
    replayed.add(0, 100, 100)
    places = [Place(TOPIC, p, o) for p in (0, 1, 2) for o in range(200)]
    found = [(x.partition, x.offset) for x in places if x in replayed]
    assert found == [(0, 100), (2, 7), (2, 8), (2, 9)]


@pytest.mark.parametrize(
    ("text", "found"),
    [(b"3-5,9", [(3, 5), (9, 9)]), (b"0", [(0, 0)]), (b"", []), (b"x,-,4", [(4, 4)])],
)
def test_ranges_are_read(text: bytes, found: list[tuple[int, int]]) -> None:
    assert ranges(text) == found
