# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.kafka.record_batches import Batch
from stream.worker.dead_letter_breaker import (
    SEEN_MIN,
    WINDOW_RECORDS,
    DeadLetterFlood,
    FloodLimit,
    Floods,
)
from stream.worker.in_process import LoggedRecord


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
    assert "the allowed share of 0.25" in str(caught.value)
    assert "shadowpoints sources resume" in str(caught.value)


BAD, GOOD = ("event.check-in", 3), ("wechat.pay", 3)


def records(*poison: bool, first: int = 0) -> list[tuple[int, bool]]:
    return list(enumerate(poison, first))


def batch(first: int, records: int = 1, generation: int = 1) -> Batch:
    found = [LoggedRecord(first + n, 0, None, b"", ()) for n in range(records)]
    return Batch(*BAD, found, generation)


def halted() -> Floods:
    """A flood has halted ``BAD``; its records from 100 on are withheld."""
    floods = Floods(0.5)
    assert not floods.passes(BAD, records(*[True] * SEEN_MIN))
    floods.withhold(batch(100, 100))
    return floods


def test_a_flood_in_one_partition_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    floods = Floods(0.5)
    assert floods.passes(GOOD, records(*[True] * (SEEN_MIN // 2)))
    assert not floods.passes(BAD, records(*[True] * SEEN_MIN))
    assert not floods.passes(BAD, records(False))
    assert floods.passes(GOOD, records(*[False] * SEEN_MIN))
    assert set(floods.halted) == {BAD}
    assert caplog.text.count("event.check-in-3 is halted: 200 of the latest 200") == 1
    assert "run: shadowpoints sources resume event.check-in 3" in caplog.text
    floods.forget([BAD])
    assert floods.passes(BAD, records(False))


def test_what_an_operator_lets_pass_does_not_count_and_what_comes_later_does() -> None:
    floods = halted()
    withheld = floods.resume(BAD, 1_000) or []
    assert [batch.first_offset for batch in withheld] == [100]
    assert floods.passes(BAD, records(*[True] * 900, first=100))
    assert floods.settle(BAD)
    assert not floods.halted
    assert floods.passes(BAD, records(*[True] * (SEEN_MIN - 1), first=1_000))
    assert not floods.passes(BAD, records(True, first=1_199))


def test_a_word_about_an_earlier_flood_does_not_let_a_later_one_pass() -> None:
    floods = halted()
    assert floods.resume(BAD, 100) is None
    assert floods.resume(BAD, 150) is not None  # the end there was: later ones were withheld, too
    assert not floods.passes(BAD, records(*[True] * SEEN_MIN, first=150))
    floods.withhold(batch(100, 250))
    assert not floods.settle(BAD)
    assert floods.resume(BAD, 150) is None
    assert floods.resume(BAD, 400) is not None


def test_a_batch_is_withheld_until_it_has_been_handled_again() -> None:
    floods = halted()
    kept, other = batch(200), batch(201)
    floods.withhold(kept)
    assert floods.withholds(kept)
    assert not floods.withholds(other)
    floods.resume(BAD, 1_000)
    assert floods.withholds(kept)
    floods.settle(BAD)
    assert not floods.withholds(kept)


def test_what_was_fetched_before_a_rebalance_is_not_kept() -> None:
    floods = halted()
    again = batch(100, generation=2)
    floods.withhold(again)
    assert floods.resume(BAD, 1_000) == [again]


def test_whoever_loses_the_partition_forgets_all_about_it() -> None:
    floods = halted()
    kept = batch(200)
    floods.withhold(kept)
    floods.resume(BAD, 1_000)
    floods.forget([BAD])
    assert not floods.withholds(kept)
    assert not floods.passes(BAD, records(*[True] * SEEN_MIN, first=100))
