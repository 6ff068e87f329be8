from __future__ import annotations

from faust.types import TP

from stream.runtime.inflight import InFlight

PAY, PAY_1 = TP("pay", 0), TP("pay", 1)


def delivered(*ends: int, done: tuple[int, ...] = ()) -> InFlight:
    runs = InFlight()
    for end in ends:
        runs.deliver(PAY, end)
    for end in done:
        runs.done(PAY, end)
    return runs


def test_the_offset_after_what_is_done_without_a_gap_is_committed() -> None:
    runs = delivered(9, 19, 29, done=(29, 9))

    assert runs.take(PAY) == 10
    assert runs.take(PAY) is None
    runs.done(PAY, 19)
    assert runs.take(PAY) == 30


def test_offsets_may_have_gaps() -> None:
    runs = delivered(9, 1_000, 1_002, done=(9, 1_000))

    assert runs.take(PAY) == 1_001
    runs.done(PAY, 1_002)
    assert runs.take(PAY) == 1_003


def test_nothing_is_committed_while_the_first_run_is_in_flight() -> None:
    assert delivered(9, 19, done=(19,)).take(PAY) is None


def test_forgotten_runs_are_neither_waited_for_nor_committed() -> None:
    runs = delivered(9, 19, done=(9,))
    runs.deliver(PAY_1, 5)

    runs.forget([PAY])

    runs.done(PAY, 19)
    assert runs.take(PAY) is None
    assert list(runs) == [PAY_1]
    runs.deliver(PAY, 19)  # it was fetched anew
    assert runs.take(PAY) is None
    runs.done(PAY_1, 5)
    assert runs.take(PAY_1) == 6
    runs.forget()
    assert list(runs) == []
