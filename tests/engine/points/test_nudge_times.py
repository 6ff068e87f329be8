# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from stream.engine.model.calendar import DAY_MS
from stream.engine.model.nudges import Nudge, NudgePolicy
from stream.engine.model.schedule import Span
from stream.engine.model.touchpoints import Touchpoint as T
from stream.engine.points.nudge_times import Due, schedule_of
from stream.engine.points.recent import Recent
from tests.support.books import HOUR, START

CART = Nudge(
    "cart", frozenset({T.ADD_TO_CART}), frozenset({T.PURCHASE}), 2 * HOUR, expires_ms=DAY_MS
)
EACH = replace(CART, each=True)
CARTED: Recent = {T.ADD_TO_CART: [START, START + DAY_MS]}


def holds(nudge: Nudge, recent: Recent, hours: int, quiet: Span | None = None) -> list[Due | None]:
    policy = NudgePolicy((nudge,), quiet=quiet)
    return [*schedule_of(nudge, policy, recent, None, START + hours * HOUR)]


def due(days: int, at: int = 2) -> Due:
    anchor = START + days * DAY_MS
    return Due(anchor, anchor + at * HOUR, anchor + at * HOUR + DAY_MS)


@pytest.mark.parametrize(
    ("nudge", "hours", "now", "upcoming"),
    [
        (CART, 25, None, due(1)),
        (CART, 26, due(1), None),
        (CART, 49, due(1), None),
        (CART, 50, None, None),
        (EACH, 1, None, due(0)),
        (EACH, 2, due(0), due(1)),
        (EACH, 25, due(0), due(1)),
        (EACH, 26, due(1), None),  # the first is over
    ],
)
def test_what_holds_and_what_is_going_to(
    nudge: Nudge, hours: int, now: Due | None, upcoming: Due | None
) -> None:
    assert holds(nudge, CARTED, hours) == [now, upcoming]


def test_of_several_touchpoints_the_last_of_each_day_counts() -> None:
    nudge = replace(EACH, after=frozenset({T.ADD_TO_CART, T.LOGIN}))
    recent: Recent = {T.ADD_TO_CART: [START, START + DAY_MS], T.LOGIN: [START + HOUR]}
    found = Due(START + HOUR, START + 3 * HOUR, START + 3 * HOUR + DAY_MS)
    assert holds(nudge, recent, 2) == [None, found]
    assert holds(nudge, recent, 3) == [found, due(1)]


def test_what_comes_after_the_anchor_makes_it_void() -> None:
    for later, expected in ((0, due(1)), (1, None)):
        recent = {**CARTED, T.PURCHASE: [START + DAY_MS + later]}
        assert holds(CART, recent, 30) == [expected, None]


def test_quiet_hours_put_it_off_with_its_end() -> None:
    assert holds(CART, CARTED, 27, Span(120, 240)) == [None, due(1, 4)]


def test_before_an_offer_ends() -> None:
    nudge, ends = Nudge("ending", wait_ms=48 * HOUR), START + 3 * DAY_MS

    def at(hours: int, quiet: Span | None = None) -> list[Due | None]:
        policy = NudgePolicy((nudge,), quiet=quiet)
        return [*schedule_of(nudge, policy, {}, ends, START + hours * HOUR)]

    found = Due(ends, START + DAY_MS, ends)
    assert [at(23), at(24), at(71), at(72)] == [[None, found], *2 * [[found, None]], 2 * [None]]
    assert schedule_of(nudge, NudgePolicy((nudge,)), CARTED, None, START) == (None, None)
    short = replace(nudge, wait_ms=2 * HOUR)
    assert schedule_of(short, NudgePolicy((short,), quiet=Span(1300, 1441)), {}, ends, START) == (
        None,
        None,
    ), "quiet until it is over"
