from __future__ import annotations

from faust.types import TP

from stream.runtime.inflight import InFlight

PAY = TP("pay", 0)


def delivered(*ends: int) -> InFlight:
    runs = InFlight()
    for end in ends:
        runs.deliver(PAY, end)
    return runs


def test_the_offset_after_the_acknowledged_prefix_is_committed() -> None:
    runs, acknowledged = delivered(9, 19, 29), {9, 29}

    assert runs.take(PAY, acknowledged) == 10
    assert acknowledged == {29}
    assert runs.take(PAY, acknowledged) is None
    acknowledged.add(19)
    assert runs.take(PAY, acknowledged) == 30


def test_offsets_may_have_gaps() -> None:
    runs = delivered(9, 1_000, 1_002)

    assert runs.take(PAY, {9, 1_000}) == 1_001
    assert runs.take(PAY, {1_002}) == 1_003


def test_nothing_is_committed_while_the_first_run_is_in_flight() -> None:
    assert delivered(9, 19).take(PAY, {19}) is None


def test_forgotten_runs_are_not_waited_for() -> None:
    runs = delivered(9)
    runs.deliver(TP("pay", 1), 5)

    runs.forget([PAY])

    assert runs.take(PAY, {9}) is None
    assert runs.take(TP("pay", 1), {5}) == 6
    runs.deliver(PAY, 4)
    runs.forget()
    assert runs.take(PAY, {4}) is None
