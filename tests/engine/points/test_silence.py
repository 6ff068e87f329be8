# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.points.silence import silences
from tests.support.books import DAY, HOUR, START

hours = st.lists(st.integers(0, 40), max_size=8)


@given(st.lists(hours, max_size=3))
def test_silence_ends_with_whatever_is_heard(heard: list[list[int]]) -> None:
    def at(number: int) -> int:
        return START + number * 6 * HOUR

    columns = [np.array([at(n) for n in numbers], np.int64) for numbers in heard]
    times = {n for numbers in heard for n in numbers}
    for days in (1, 3):
        quiet = [n for n in sorted(times) if not times & {*range(n + 1, n + days * 4 + 1)}]
        expected = [at(n) + days * DAY for n in quiet]
        assert silences(columns, [days])[days].tolist() == expected
