# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.calendar import DAY_MS, day_of
from stream.engine.model.touchpoints import Touchpoint as T
from stream.engine.points.recent import Recent, note, trimmed
from tests.support.books import HOUR, START

WANTED: dict[int, int] = {T.PURCHASE: 3 * DAY_MS, T.LOGIN: 0}
times = st.integers(0, 10 * 24).map(lambda hours: START + hours * HOUR)


def test_the_last_of_each_day_is_kept_as_long_as_it_matters() -> None:
    days = [START, START + HOUR, START + 3 * DAY_MS, START + 4 * DAY_MS]
    assert trimmed(days, WANTED, T.PURCHASE) == [START + 3 * DAY_MS, START + 4 * DAY_MS]
    assert trimmed(days[:3], WANTED, T.PURCHASE) == [START + HOUR, START + 3 * DAY_MS]
    assert trimmed(days, WANTED, T.LOGIN) == [START + 4 * DAY_MS]
    assert trimmed([], WANTED, T.LOGIN) == []


@given(st.lists(st.tuples(st.sampled_from([T.PURCHASE, T.LOGIN, T.SCAN]), times)))
def test_one_by_one_in_any_order_is_as_all_together(
    touches: list[tuple[T, int]],
) -> None:
    recent: Recent = {}
    for touchpoint, time in touches:
        note(recent, touchpoint, time, WANTED)
    for wanted in WANTED:
        mine = sorted(time for t, time in touches if t == wanted)
        assert recent.get(wanted, []) == trimmed(mine, WANTED, wanted)
        assert len({*map(day_of, mine)}) >= len(recent.get(wanted, []))
    assert T.SCAN not in recent
