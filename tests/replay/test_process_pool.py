# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from stream.replay.process_pool import ProcessFailed, ProcessPool
from tests.replay.clerk import Clerk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair() -> Iterator[ProcessPool]:
    pool = ProcessPool(2, Clerk, MappingProxyType({"factor": 10}))
    yield pool
    pool.close()


def test_each_does_its_own(pair: ProcessPool) -> None:
    assert pair.size == 2
    assert pair.call_all("times", [(1,), (2,)]) == [(0, 10), (1, 20)]


def test_jobs_go_to_whoever_is_free(pair: ProcessPool) -> None:
    answers = [*pair.call_any("times", ((n,) for n in range(20)))]
    assert sorted(value for _, value in answers) == [n * 10 for n in range(20)]
    assert {number for number, _ in answers} == {0, 1}


def test_a_failure_has_a_place_and_names_nobody(pair: ProcessPool) -> None:
    with pytest.raises(ProcessFailed, match=r"ValueError in Clerk\.fail") as failed:
        pair.call_all("fail", [(), ()])
    assert "oSecret" not in str(failed.value)


def test_a_death_is_noticed() -> None:
    pool = ProcessPool(1, Clerk, MappingProxyType({"factor": 10}))
    try:
        with pytest.raises(ProcessFailed, match="died"):
            pool.call_all("die", [()])
    finally:
        pool.close()
