# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from aiokafka.structs import ConsumerRecord

from stream.kafka.clock_skew import ahead_ms, now_of, wrong


@pytest.mark.parametrize(
    ("sent", "acknowledged", "appended", "ahead"),
    [
        (1_000, 1_100, 1_050, 0),  # between the two: nothing is known against our clock
        (1_000, 1_000, 1_000, 0),
        (5_000, 5_100, 1_000, 4_000),
        (1_000, 1_100, 5_000, -3_900),
        (1_000, 61_000, 30_000, 0),  # a slow broker is no wrong clock
        (9_000, 1_000, 5_000, 0),  # set back in between
    ],
)
def test_a_clock_is_ahead_by_what_a_request_cannot_explain(
    sent: int, acknowledged: int, appended: int, ahead: int
) -> None:
    now = 1_800_000_000_000
    assert ahead_ms(now + sent, now + acknowledged, now + appended) == ahead


def test_a_broker_without_a_time_says_nothing_about_a_clock() -> None:
    assert ahead_ms(1_800_000_000_000, 1_800_000_000_100, 1_234) == 0


def record_of(timestamp_type: int) -> ConsumerRecord:
    return ConsumerRecord("t", 0, 0, 1_000, timestamp_type, None, b"", 0, 0, 0, ())


def test_a_record_is_judged_by_the_brokers_clock_where_it_says_so() -> None:
    assert now_of(record_of(1), 5_000) == 1_000
    assert now_of(record_of(0), 5_000) == 5_000


def test_the_sentence_says_which_way() -> None:
    assert str(wrong(1_200.0)).startswith("This machine's clock is 1,200 s ahead of the Kafka")
    assert str(wrong(-1_200.0)).startswith("This machine's clock is 1,200 s behind the Kafka")
