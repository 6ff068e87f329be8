# SPDX-License-Identifier: Apache-2.0
"""How old the tables may be: the arithmetic, and a naive recount of it."""

from __future__ import annotations

from math import inf

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from stream.gateway.engine_age import AGE_KNOWN_S, Ages, Ends

PAY = TopicPartition("wechat.pay", 0)


def ends(at_s: float, resolved: int, source: int = 0) -> Ends:
    return Ends(at_s, {0: resolved}, {PAY: source} if source else {})


def test_before_the_first_look_nothing_is_known() -> None:
    assert Ages().age_s(0, 5.0) == inf


def test_what_was_applied_at_a_look_is_as_old_as_that_look() -> None:
    ages = Ages()
    ages.note(ends(10.0, 5, 7), {0: 4}, {PAY: 7})
    assert ages.age_s(0, 12.5) == 2.5


def test_a_log_that_is_not_applied_grows_older_until_it_is() -> None:
    ages = Ages()
    ages.note(ends(10.0, 5), {0: 4}, {})
    ages.note(ends(11.0, 6), {0: 4}, {})
    ages.note(ends(12.0, 9), {0: 4}, {})
    assert ages.age_s(0, 12.0) == 2.0
    ages.note(ends(13.0, 9), {0: 5}, {})
    assert ages.age_s(0, 13.0) == 2.0
    ages.note(ends(14.0, 9), {0: 8}, {})
    assert ages.age_s(0, 14.0) == 0.0


def test_a_source_that_is_not_read_makes_all_partitions_old() -> None:
    ages = Ages()
    ages.note(ends(10.0, 5, 7), {0: 4}, {PAY: 7})
    ages.note(ends(20.0, 5, 8), {0: 4}, {PAY: 7})
    assert ages.age_s(0, 20.0) == 10.0
    ages.note(ends(30.0, 5, 8), {0: 4}, {})
    assert ages.age_s(0, 30.0) == inf


def test_an_age_beyond_the_notes_is_not_known() -> None:
    ages = Ages()
    ages.note(ends(0.0, 5), {0: 4}, {})
    ages.note(ends(AGE_KNOWN_S, 6), {0: 4}, {})
    assert ages.age_s(0, AGE_KNOWN_S) == AGE_KNOWN_S
    ages.note(ends(AGE_KNOWN_S + 1, 6), {0: 4}, {})
    assert ages.age_s(0, AGE_KNOWN_S + 1) == inf


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40))
def test_what_was_in_the_log_so_long_ago_is_applied(seconds: list[tuple[int, int]]) -> None:
    """Each second some records come, then the ends are noted, then some records are applied."""
    ages, come, applied = Ages(), list[int](), 0
    for now, (more, some) in enumerate(seconds):
        come += [now] * more
        applied = min(len(come), applied + some)
        ages.note(ends(float(now), len(come)), {0: applied - 1}, {})
        first_waiting = come[applied] if applied < len(come) else now + 1
        expected = now - (first_waiting - 1) if first_waiting else inf
        assert ages.age_s(0, float(now)) == expected
