from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.touches import SEEN_EVENT, Touch, Touches
from tests.engine.build import touches as some_touches
from tests.support.books import START

MARKERS = [bytes([n]) * 6 for n in range(5)] + [b"\1\1\1\2\2\2", b"\2\2\2\1\1\1", b"other"]
points = st.integers(-1, 5) | st.sampled_from([0xFFFFFF, 0x1000000])
plain = st.builds(
    Touch,
    time=st.integers(START, START + 9) | st.sampled_from([0, 1 << 45]),
    touchpoint=st.sampled_from([1, 17]),
    points=st.lists(st.tuples(st.sampled_from(["a", "b"]), points), max_size=2),
    seen=st.just(SEEN_EVENT),
)
steps = st.lists(st.tuples(st.sampled_from(MARKERS), st.none() | plain | some_touches))


@given(steps)
def test_it_is_a_mapping(steps: list[tuple[bytes, Touch | None]]) -> None:
    """Set or, with no touch, take out."""
    packed, model = Touches(), dict[bytes, Touch]()
    for marker, touch in steps:
        assert (marker in packed, packed.get(marker)) == (marker in model, model.get(marker))
        if touch is not None:
            packed[marker] = model[marker] = touch
        elif marker in model:
            assert packed.pop(marker) == model.pop(marker)
        assert dict(packed.items()) == model
        assert (len(packed), sorted(packed)) == (len(model), sorted(model))
    assert packed == Touches.of(model)
    assert list(packed.values()) == [touch for _, touch in packed.items()]


def test_most_take_twelve_bytes() -> None:
    """What a kind is takes some bytes once, an amount three for each touch which has one."""
    visits = {n.to_bytes(6, "big"): Touch(START + n, 17, [("visit", 10)], 0, 1) for n in range(9)}
    bought = {n.to_bytes(6, "big"): Touch(START + n, 1, [("spend", n)], 0, 1) for n in range(9, 12)}
    packed = Touches.of(visits | bought)
    assert (len(packed.rows), len(packed.amounts), packed.odd) == (12 * 12, 3 * 3, {})
    assert packed.kinds == [(17, [("visit", 10)]), (1, [("spend", -1)])]


def test_a_marker_is_found_at_the_beginning_of_a_row_only() -> None:
    one = Touch(START, 17, [], 0, SEEN_EVENT)
    packed = Touches.of({b"abcdef": one})
    assert packed.rows[3:9] not in packed
    assert b"abcdef" in packed


def test_kinds_beyond_the_last_are_kept_as_they_are() -> None:
    touches = {n.to_bytes(6, "big"): Touch(START, 17, [("visit", n)], 0, 1) for n in range(130)}
    packed = Touches.of(touches)
    assert len(packed.odd) == 2
    assert dict(packed.items()) == touches
