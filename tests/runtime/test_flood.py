from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.runtime.flood import SEEN_MIN, WINDOW_RECORDS, DeadLetterFlood, FloodLimit


def stopped_at(limit: FloodLimit, outcomes: list[bool]) -> int | None:
    """How many records were taken in when the limit was reached."""
    for seen, dead in enumerate(outcomes, 1):
        try:
            limit.check([dead])
        except DeadLetterFlood:
            return seen
    return None


def test_few_records_are_no_flood() -> None:
    assert stopped_at(FloodLimit(0.5), [True] * (SEEN_MIN - 1)) is None
    assert stopped_at(FloodLimit(0.5), [True] * SEEN_MIN) == SEEN_MIN


def test_the_share_itself_is_allowed() -> None:
    assert stopped_at(FloodLimit(0.5), [False, True] * 5_000) is None
    assert stopped_at(FloodLimit(0.5), [False, True] * 100 + [True]) == 201


def test_old_records_leave_the_window() -> None:
    history = [False] * 10 * WINDOW_RECORDS + [True] * WINDOW_RECORDS
    assert stopped_at(FloodLimit(0.5), history) == 10 * WINDOW_RECORDS + WINDOW_RECORDS // 2 + 1
    early = [False] * 200 + [True] * 150 + [False] * 1_000 + [True] * 500
    assert stopped_at(FloodLimit(0.5), early) is None


def test_a_share_of_one_is_no_limit() -> None:
    assert stopped_at(FloodLimit(1.0), [True] * 5_000) is None


@given(st.integers(0, 2**32), st.floats(0.05, 1.0), st.integers(1, 30), st.integers(1, 60))
def test_the_limit_is_that_of_the_naive_count_however_records_are_grouped(
    seed: int, share_max: float, seen_min: int, window: int
) -> None:
    random = Random(seed)
    outcomes = [random.random() < 0.5 for _ in range(200)]
    expected = None
    for end in range(1, len(outcomes) + 1):
        latest = outcomes[max(0, end - window) : end]
        if len(latest) >= seen_min and sum(latest) > share_max * len(latest):
            expected = end
            break

    limit, taken, stopped = FloodLimit(share_max, window=window, seen_min=seen_min), 0, None
    records = iter(outcomes)
    while stopped is None and (group := list(islice(records, random.randint(1, 40)))):
        try:
            limit.check(group)
        except DeadLetterFlood:
            stopped = taken
        taken += len(group)

    assert (stopped is None) == (expected is None)
    if stopped is not None and expected is not None:
        assert stopped < expected <= taken


def test_the_sentence_says_what_to_do() -> None:
    with pytest.raises(DeadLetterFlood) as caught:
        FloodLimit(0.25).check([True] * SEEN_MIN)
    assert str(caught.value).startswith("200 of the latest 200 source records")
    assert "the share of 0.25" in str(caught.value)
    assert "SHADOWPOINTS_DEAD_LETTER_SHARE_MAX=1" in str(caught.value)
