# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import day_of
from stream.engine.model.page import SEEN_EVENT, Page, Touch
from tests.support.books import DAY, START

MARKERS = [bytes([n]) * 6 for n in range(12)]
points = st.integers(-1, 5) | st.sampled_from([0xFFFFFF, 0x1000000])
touch = st.builds(
    Touch,
    time=st.sampled_from([START - 1, START, START + DAY, START + 40 * DAY, 0, 1 << 45]),
    touchpoint=st.sampled_from([1, 17]),
    points=st.lists(st.tuples(st.sampled_from(["a", "b"]), points), max_size=2),
    seen=st.just(SEEN_EVENT) | st.integers(0, 3),
    fen=st.sampled_from([0, 1, 0xFFFFFF, 0x1000000]),
)
touches = st.dictionaries(st.sampled_from(MARKERS), touch)


def page_of(some: dict[bytes, Touch]) -> Page:
    page = Page()
    for marker, one in some.items():
        page.add(marker, one)
    return page


def rows_of(page: Page) -> list[Touch]:
    return [one for marker, one in page.items() if marker not in page.odd]


@given(touches, st.data())
def test_a_summary_is_what_its_rows_come_to(some: dict[bytes, Touch], data: st.DataObject) -> None:
    page = page_of(some)
    rows = rows_of(page)
    keep = [data.draw(st.booleans()) for _ in rows]
    kept = [one for one, wanted in zip(rows, keep, strict=True) if wanted]
    if not kept:
        return
    last: dict[int, int] = {}
    cells: dict[str, Counter[int]] = defaultdict(Counter)
    for one in kept:
        last[one.touchpoint] = max(one.time, last.get(one.touchpoint, one.time))
        for rule, number in one.points:
            cells[rule][day_of(one.time)] += number
    found = page.summarise(np.array(keep))
    times = [one.time for one in kept]
    assert (found.earliest, found.latest) == (min(times), max(times))
    assert found.number == len(kept)
    assert found.touches == Counter(one.touchpoint for one in kept)
    assert found.last == last
    assert {r: d for r, d in found.cells.items() if d} == {
        rule: mine for rule, days in cells.items() if (mine := {d: n for d, n in days.items() if n})
    }


@given(touches, st.sampled_from([1, 17]), st.sampled_from([START, START + 40 * DAY]))
def test_how_many_there_are_on_a_day(some: dict[bytes, Touch], touchpoint: int, time: int) -> None:
    mine = (touchpoint, day_of(time))
    expected = [t for t in some.values() if (t.touchpoint, day_of(t.time)) == mine]
    assert page_of(some).number_on(day_of(time), touchpoint) == len(expected)


@given(touches, touches)
def test_it_merges_another_and_splits(some: dict[bytes, Touch], more: dict[bytes, Touch]) -> None:
    page = page_of(some)
    rest = {marker: one for marker, one in more.items() if marker not in some}
    assert page.absorb(page_of(rest))
    assert dict(page.items()) == some | rest
    if page.rows:
        assert page.summed() == page.summarise()
    other = page.split()
    assert abs(len(page) - len(other)) <= 2
    assert dict(page.items()) | dict(other.items()) == some | rest
    assert page.weight + other.weight == page_of(some | rest).weight


def test_there_is_no_room_for_more_than_128_kinds() -> None:
    many = {n.to_bytes(6, "big"): Touch(START, 17, [("visit", n)], 0, 1) for n in range(128)}
    full, one = page_of(many), page_of({b"onemor": Touch(START, 17, [("other", 1)], 0, 1)})
    assert not full.absorb(one)
    assert dict(full.items()) == many


def test_what_is_set_apart_stays_apart() -> None:
    plain = Touch(START, 1, [("spend", 5)], 0, SEEN_EVENT)
    page = page_of({MARKERS[0]: plain, MARKERS[1]: plain})
    page.summed()
    page.set_apart(MARKERS[0])
    page.replace(MARKERS[0], plain)
    assert (list(page.odd), page.summed().number) == ([MARKERS[0]], 1)
    assert page.amounts == bytes(3) + (5).to_bytes(3, "big")


def test_what_was_paid_takes_three_bytes_in_a_row() -> None:
    page = Page()
    for n, marker in enumerate(MARKERS):
        page.add(marker, Touch(START, 1, [], 0, SEEN_EVENT, False, 1200 + n))
    assert (len(page.rows), len(page.amounts), page.odd) == (12 * 12, 12 * 3, {})
    assert [touch.fen for touch in map(page.get, MARKERS) if touch] == [1200 + n for n in range(12)]
