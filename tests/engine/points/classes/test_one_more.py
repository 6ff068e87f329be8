# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given
from hypothesis import strategies as st

from stream.engine.model.classes import ClassPolicy
from stream.engine.points.classes.one_more import with_purchase
from stream.engine.points.classes.timeline import EVER, Timeline
from tests.engine.points.classes.test_timeline import days_of, moments, policies, purchases
from tests.support.books import FIRST
from tests.support.classes import Bought


@given(purchases, policies, moments, moments, st.sampled_from([0, 400, 1_000, 4_000]))
def test_one_more_is_as_all_anew(
    some: Bought, policy: ClassPolicy, time: int, now: int, fen: int
) -> None:
    some, now = [one for one in some if one[0] <= now], max(time, now)
    seen = max((at for at, _ in some), default=0)
    before = Timeline(days_of(some), policy)
    standing = before.standing(now, EVER)
    if time < standing.begins:
        return
    rules = replace(FIRST, classes=policy)
    more = with_purchase(standing, rules, time, fen, now, seen)
    event(f"counted anew: {more is None}")
    if more is None:
        return
    after, stays = more
    anew = Timeline(days_of([*some, (time, fen)]), policy)
    expected = anew.standing(now, EVER)
    assert (after.classes, after.since, after.begins, after.ever) == (
        expected.classes, expected.since, expected.begins, expected.ever
    )  # fmt: skip
    for name in ("spent", "number", "fen"):
        assert getattr(after, name) >= getattr(expected, name)
    ends = anew.next_change(now)
    until = before.next_change(now)
    assert ends is None or min(stays, ends if until is None else until) <= ends
    for at in {*anew.cuts, *before.cuts, time}:  # nothing that was judged is judged otherwise
        if at <= min(time, now):
            assert anew.judging(at) == before.judging(at)
