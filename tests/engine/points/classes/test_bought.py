# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from stream.engine.model.page import SEEN_EVENT, Page, Touch
from stream.engine.model.touchpoints import Touchpoint
from stream.engine.points.classes.bought import Counting, Day, bought
from tests.support.books import DAY, HOUR, START

FIRST = START // DAY + 1  # START is a midnight in Shanghai


def page(*times: int) -> Page:
    made = Page()
    for number, time in enumerate(times):
        visit = Touch(time, Touchpoint.CHECK_IN, [("visit", 1)], seen=SEEN_EVENT)
        made.add(f"v{number:05}".encode(), visit)
        paid = Touch(time, Touchpoint.PURCHASE, [("spend", 9)], seen=SEEN_EVENT, fen=100 + number)
        made.add(f"p{number:05}".encode(), paid)
    return made


def test_pages_odd_ones_and_archived_days_are_one_list_by_day() -> None:
    counting = Counting(np.array([START + 2 * DAY]), np.array([True, False]))
    days = bought(
        [page(START + DAY, START, START + 3 * DAY), Page()],
        [(START + HOUR, 7)],
        [{FIRST - 9: [3, 900]}, {FIRST - 9: [1, 50]}],
        counting,
    )
    assert days == [
        Day(FIRST - 9, 4, 950, [(START - 9 * DAY, 1, 50), (START - 9 * DAY, 3, 900)]),
        Day(FIRST, 2, 108, [(START, 1, 101), (START + HOUR, 1, 7)]),
        Day(FIRST + 1, 1, 100, [(START + DAY, 1, 100)]),
    ]
