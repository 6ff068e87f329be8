# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.brand.clients import Client
from stream.gateway.endpoints.rate_limits import BUCKETS_MAX, REQUEST_MAX, RateLimits
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import BACKEND, MEI, NOW_MS, SDK, TILL


def waits(
    limits: RateLimits, who: Client, events: int, after_s: float = 0, person: int | None = None
) -> int | None:
    """Seconds for which a request is put off, ``None`` if it is taken."""
    origin = None if person is None else (MEI[0], f"o{person}")
    try:
        limits.take(who, [(origin, events)], NOW_MS + int(after_s * 1000))
    except DeliveryRejected as rejection:
        assert rejection.reason is RejectReason.LIMITED  # noqa: PT017
        return rejection.retry_after_s
    return None


def test_a_minute_of_events_may_come_at_once_and_then_as_many_as_the_rate() -> None:
    limits = RateLimits(session_per_s=1, client_per_s=10)
    assert [waits(limits, TILL, 100) for _ in range(6)] == [None] * 6
    assert waits(limits, TILL, 100) == 10
    assert waits(limits, TILL, 100, after_s=9.9) == 1
    assert waits(limits, TILL, 100, after_s=10) is None
    assert waits(limits, BACKEND, 100) is None


def test_what_is_put_off_takes_nothing() -> None:
    limits = RateLimits(session_per_s=1, client_per_s=10)
    for _ in range(6):
        waits(limits, TILL, 100)
    assert [waits(limits, TILL, 100, after_s=5) for _ in range(9)] == [5] * 9
    assert waits(limits, TILL, 50, after_s=5) is None


def test_a_request_of_the_largest_size_passes_at_any_rate() -> None:
    limits = RateLimits(session_per_s=0.01, client_per_s=0.01)
    assert waits(limits, SDK, REQUEST_MAX, person=1) is None
    assert waits(limits, SDK, 1, person=1) == 100


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    limits = RateLimits(session_per_s=1, client_per_s=10)
    assert waits(limits, SDK, 200, person=1) is None
    assert waits(limits, SDK, 1, after_s=-3600, person=1) == 1


def test_people_have_a_bucket_each_and_there_is_an_end_of_buckets() -> None:
    limits = RateLimits(session_per_s=1, client_per_s=10**9)
    assert {waits(limits, SDK, 200, person=n) for n in range(BUCKETS_MAX + 1)} == {None}
    assert waits(limits, SDK, 100, person=BUCKETS_MAX) == 100
    assert waits(limits, SDK, 100, person=0) is None  # forgotten by now


def test_all_people_of_one_mini_program_share_the_rate_of_its_client() -> None:
    limits = RateLimits(session_per_s=2, client_per_s=5)
    assert [waits(limits, SDK, 100, person=n) for n in range(4)] == [None, None, None, 20]
    assert waits(limits, SDK, 10, person=0, after_s=2) is None
    assert waits(limits, TILL, 300) is None


def test_of_a_request_for_several_people_all_is_taken_or_nothing() -> None:
    limits = RateLimits(session_per_s=1, client_per_s=10)
    both = [((MEI[0], "o1"), 60), ((MEI[0], "o2"), 150)]
    limits.take(SDK, both, NOW_MS)
    with pytest.raises(DeliveryRejected) as caught:
        limits.take(SDK, both, NOW_MS)
    assert caught.value.retry_after_s == 100
    assert waits(limits, SDK, 140, person=1) is None
    assert waits(limits, SDK, 50, person=2) is None


@pytest.mark.parametrize("events", [1, 100])
def test_5_700_events_a_second_are_not_taken_from_one_person(events: int) -> None:
    limits = RateLimits(session_per_s=2, client_per_s=500)
    tries = range(0, 5_000, 17 if events == 100 else 1)
    taken = sum(waits(limits, SDK, events, at / 1000, 7) is None for at in tries) * events
    assert taken <= 210
