from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import parse_time, time_ms
from stream.engine.clock import iso


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (1_772_294_400_000, "2026-02-28T16:00:00.000Z"),
        (1_772_294_400_007, "2026-02-28T16:00:00.007Z"),
        (1_772_294_399_999, "2026-02-28T15:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_millisecond(instant: int, text: str) -> None:
    assert iso(instant) == text


@given(st.integers(1_293_840_000_000, 4_102_444_799_999))
def test_what_is_written_reads_back_by_the_contract(instant: int) -> None:
    assert time_ms(parse_time(iso(instant))) == instant
