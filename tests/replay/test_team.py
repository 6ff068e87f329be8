from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from stream.replay.team import MemberFailed, Processes
from tests.replay.clerk import Clerk


@pytest.fixture(scope="module")
def pair() -> Iterator[Processes]:
    team = Processes(2, Clerk, MappingProxyType({"factor": 10}))
    yield team
    team.close()


def test_each_does_its_own(pair: Processes) -> None:
    assert pair.size == 2
    assert pair.each("times", [(1,), (2,)]) == [(0, 10), (1, 20)]


def test_jobs_go_to_whoever_is_free(pair: Processes) -> None:
    answers = [*pair.any("times", ((n,) for n in range(20)))]
    assert sorted(value for _, value in answers) == [n * 10 for n in range(20)]
    assert {number for number, _ in answers} == {0, 1}


def test_a_failure_has_a_place_and_names_nobody(pair: Processes) -> None:
    with pytest.raises(MemberFailed, match=r"ValueError in Clerk\.fail") as failed:
        pair.each("fail", [(), ()])
    assert "oSecret" not in str(failed.value)


def test_a_death_is_noticed() -> None:
    team = Processes(1, Clerk, MappingProxyType({"factor": 10}))
    try:
        with pytest.raises(MemberFailed, match="died"):
            team.each("die", [()])
    finally:
        team.close()
