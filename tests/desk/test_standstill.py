# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from stream.desk.standstill import STANDS_AFTER_S, Standstill


def test_it_stands_if_nothing_was_read_for_a_minute_and_something_waits() -> None:
    watch, place = Standstill(), ("wechat.pay", 0)
    assert not watch.stands(place, 5, 3, 0.0)
    assert not watch.stands(place, 5, 3, STANDS_AFTER_S - 1)
    assert watch.stands(place, 5, 9, STANDS_AFTER_S)
    assert not watch.stands(place, 6, 8, STANDS_AFTER_S + 1)  # it went on
    assert not watch.stands(place, 6, 0, 3 * STANDS_AFTER_S)  # and has all
    assert not watch.stands(place, 6, 1, 4 * STANDS_AFTER_S)  # something new came just now
