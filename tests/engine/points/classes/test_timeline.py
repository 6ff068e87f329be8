# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.engine.model.classes import ClassPolicy, Downgrade, Tiers
from stream.engine.points.classes.bought import Counting, Day, bought
from stream.engine.points.classes.timeline import EVER, Timeline
from tests.support.books import DAY, POLICY, START, TIERS
from tests.support.classes import Bought, before, classes

#: Some days before a new year.
NEW_YEAR = START + 300 * DAY
EVERYTHING = Counting(np.array([], np.int64), np.array([True]))

moments = st.builds(
    lambda day, ms: START + day * DAY + ms, st.integers(0, 25), st.sampled_from([0, 1, 9, DAY - 1])
)
purchases = st.lists(st.tuples(moments, st.sampled_from([0, 500, 999, 3_000, 8_001])), max_size=12)
tiers = st.builds(
    Tiers,
    st.just(TIERS.levels),
    st.sampled_from([0, 1, 4, 9]),
    st.integers(0, 4),
    st.integers(0, 2),
    st.sampled_from(Downgrade),
)
policies = st.builds(
    ClassPolicy,
    st.none() | tiers,
    st.sampled_from([None, POLICY.lifecycle]),
    st.sampled_from([None, POLICY.rfm]),
    st.just(POLICY.tags),
)


def days_of(some: Bought) -> list[Day]:
    return bought([], some, [], EVERYTHING)


@given(purchases, policies, st.booleans())
def test_the_classes_are_the_naive_ones_at_every_instant(
    some: Bought, policy: ClassPolicy, year: bool
) -> None:
    some = [(time + (NEW_YEAR - START) * year, fen) for time, fen in some]
    timeline = Timeline(days_of(some), policy)
    assert timeline.cuts == sorted(timeline.cuts)
    assert timeline.instants == sorted(timeline.instants)
    for time in {t + d for t in [*timeline.cuts[1:], *(t for t, _ in some)] for d in (-1, 0, 1)}:
        assert timeline.judging(time) == classes(before(some, time), policy, time)
        standing = timeline.standing(time, EVER)
        assert standing.classes == classes(before(some, time + 1), policy, time)
        changes = [at for at in timeline.instants if at > time]
        assert timeline.next_change(time) == (changes[0] if changes else None)
