# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import day_of
from stream.engine.model.limits import PAGE_BYTES_MAX
from stream.engine.model.page import Page
from stream.engine.model.state import Account, OriginFacts
from stream.engine.model.touches import SEEN_EVENT, Touch, Touches, share
from stream.engine.storage.codec import dump_entity, load_entity
from tests.engine.build import touches as some_touches
from tests.support.books import DAY, START

MARKERS = [bytes([n]) * 6 for n in range(5)] + [b"\1\1\1\2\2\2", b"\2\2\2\1\1\1", b"other"]
points = st.integers(-1, 5) | st.sampled_from([0xFFFFFF, 0x1000000])
plain = st.builds(
    Touch,
    time=st.integers(START, START + 9) | st.sampled_from([0, 1 << 45]),
    touchpoint=st.sampled_from([1, 17]),
    points=st.lists(st.tuples(st.sampled_from(["a", "b"]), points), max_size=2),
    seen=st.just(SEEN_EVENT),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(MARKERS),
        st.none() | plain | some_touches,
        st.sampled_from(["", "seal", "apart"]),
    )
)


@given(steps)
def test_it_is_a_mapping(steps: list[tuple[bytes, Touch | None, str]]) -> None:
    """Set or, with no touch, take out; sealed or set apart in between."""
    packed, model = Touches(), dict[bytes, Touch]()
    for marker, touch, then in steps:
        assert (marker in packed, packed.get(marker)) == (marker in model, model.get(marker))
        if touch is not None:
            packed[marker] = model[marker] = touch
        elif marker in model:
            assert packed.pop(marker) == model.pop(marker)
        if then == "seal":
            packed.seal()
        elif then == "apart":
            packed.set_apart(marker)
        assert dict(packed.items()) == model
        assert (len(packed), sorted(packed)) == (len(model), sorted(model))
    assert packed == Touches.of(model)
    assert list(packed.values()) == [touch for _, touch in packed.items()]
    assert packed.most == sum(touch.most for touch in model.values())
    if model:
        assert packed.earliest == min(touch.time for touch in model.values())


def test_most_take_twelve_bytes() -> None:
    """What a kind is takes some bytes once, an amount three; a purchase has what was paid, too."""
    visits = {n.to_bytes(6, "big"): Touch(START + n, 17, [("visit", 10)], 0, 1) for n in range(9)}
    bought = {n.to_bytes(6, "big"): Touch(START + n, 1, [("spend", n)], 0, 1) for n in range(9, 12)}
    tail = Touches.of(visits | bought).tail
    assert (len(tail.rows), len(tail.amounts), tail.odd) == (12 * 12, 3 * 6, {})
    assert tail.kinds == [(17, [("visit", 10)]), (1, [("spend", -1)])]


def test_a_marker_is_found_at_the_beginning_of_a_row_only() -> None:
    one = Touch(START, 17, [], 0, SEEN_EVENT)
    packed = Touches.of({b"abcdef": one})
    assert packed.tail.rows[3:9] not in packed
    assert b"abcdef" in packed


def test_kinds_beyond_the_last_are_kept_as_they_are() -> None:
    touches = {n.to_bytes(6, "big"): Touch(START, 17, [("visit", n)], 0, 1) for n in range(130)}
    packed = Touches.of(touches)
    assert len(packed.tail.odd) == 2
    assert dict(packed.items()) == touches


def many(number: int, first: int = 0) -> dict[bytes, Touch]:
    return {
        n.to_bytes(6, "big"): Touch(START + n, 17, [("visit", 10)], 0, SEEN_EVENT)
        for n in range(first, first + number)
    }


def test_only_the_last_page_changes_by_newcomers() -> None:
    packed = Touches()
    for first in range(0, 6000, 250):
        for marker, touch in many(250, first).items():
            packed.add(marker, touch)
        packed.changed = []
        packed.seal()
        assert set(packed.changed) <= {len(packed.sealed) - 1}
    assert len(packed) == 6000
    assert all(page.weight <= PAGE_BYTES_MAX // 2 for page in packed.pages)
    assert len(packed.sealed) == 3


def test_a_page_which_grows_by_what_is_taken_back_is_split() -> None:
    packed = Touches.of(many(2000))
    packed.seal()
    for marker, touch in many(2000).items():
        taken_back = Touch(touch.time, 17, touch.points, 1, SEEN_EVENT, True)
        packed[marker] = taken_back
    assert len(packed) == 2000
    assert len(packed.sealed) > 1
    assert all(page.weight <= PAGE_BYTES_MAX for page in packed.pages)


def test_what_two_origins_have_stands_apart_in_both() -> None:
    one, other = Touches.of(many(5)), Touches.of(many(5, 3))
    one.seal()
    share([one, Touches(), other], other)
    common = sorted(many(2, 3))
    assert sorted(marker for page in one.pages for marker in page.odd) == common
    assert sorted(other.tail.odd) == common
    assert (one, other) == (Touches.of(many(5)), Touches.of(many(5, 3)))


def test_the_tail_is_a_page_of_its_own() -> None:
    packed = Touches.of(many(1))
    packed.seal()
    assert packed.tail.rows == Page().rows
    assert packed.pages[0] is packed.sealed[0]


def test_the_latest_of_both_kinds() -> None:
    plain, taken_back = Touch(START + 5, 17, [], 0, SEEN_EVENT), Touch(START + 7, 17, [], 1, 3)
    assert Touches().latest == 0
    assert Touches.of({b"abcdef": plain}).latest == START + 5
    assert Touches.of({b"abcdef": plain, b"ghijkl": taken_back}).latest == START + 7


def stored(packed: Touches) -> Touches:
    """As they come back from the store, nothing of them read."""
    entity: Any = load_entity(
        "union.b.u", dump_entity(Account({"": OriginFacts(packed)})), lazy=True
    )
    touches: Touches = entity.facts_by_origin[""].touches
    assert all(isinstance(page, bytes) for page in touches.sealed)
    return touches


@given(steps)
def test_a_page_is_read_when_it_is_asked_for(steps: list[tuple[bytes, Touch | None, str]]) -> None:
    packed, model = Touches.of(many(3)), many(3)
    packed.seal()
    for marker, touch, _ in steps:
        packed = stored(packed)
        assert (marker in packed, packed.get(marker)) == (marker in model, model.get(marker))
        if touch is not None:
            packed[marker] = model[marker] = touch
        elif marker in model:
            del packed[marker], model[marker]
        packed.seal()
        assert bool(packed) == bool(model)
    assert packed == Touches.of(model)


def test_one_more_touch_reads_no_page() -> None:
    packed = Touches.of(many(3000))
    packed.seal()
    packed = stored(packed)
    assert b"newone" not in packed
    packed.add(b"newone", Touch(START, 17, [("visit", 10)], 0, SEEN_EVENT))
    assert packed.most > 36_000
    assert all(isinstance(page, bytes) for page in packed.sealed)


def test_how_many_a_day_has_is_counted_once() -> None:
    packed, today = Touches.of(many(5)), day_of(START)
    assert packed.number_on(today, 17) == 5
    packed.add(b"newone", Touch(START, 17, [], 0, SEEN_EVENT))
    packed.add(b"other1", Touch(START, 1, [], 0, SEEN_EVENT))
    packed.add(b"after1", Touch(START + DAY, 17, [], 0, SEEN_EVENT))
    assert packed.busy == {17: (today, 6)}
    assert (packed.number_on(today, 17), packed.number_on(today + 1, 17)) == (6, 1)
    del packed[b"after1"]
    assert (packed.number_on(today + 1, 17), packed.number_on(today, 17)) == (0, 6)


def test_a_page_of_which_nothing_is_left_is_not_kept() -> None:
    packed = Touches()
    for first in (0, 3, 6):
        packed.sealed = [*packed.sealed, Touches.of(many(3, first)).tail]
    packed.paged, packed.changed = [7, 9], [1]
    for marker in many(3):
        del packed[marker]
    packed.shed()
    assert (packed.paged, packed.changed, len(packed.sealed)) == ([9], [0], 2)
