# SPDX-License-Identifier: Apache-2.0
"""The figures of the accounts of a random world are those of a naive recount."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas import Event
from stream.engine.model.ruleset import RuleBook
from stream.report.figures.accounts import account_figures
from stream.report.figures.counts import Counts
from tests.properties.test_order import END, arrivals
from tests.report.recount import Recount
from tests.support.books import (
    ACCOUNTS,
    BLOCKS,
    CLASSES,
    DAY,
    DIRECTORY,
    EXPERIMENT,
    OPT_IN,
    PENDING,
    START,
)
from tests.support.events import DAYS, histories
from tests.support.world import World

pytestmark = pytest.mark.fuzz

FIGURES = {
    "active", "channel_reach", "channels", "classes", "cohorts", "not_compared", "overview",
    "repeat", "retention", "sample", "uplift",
}  # fmt: skip
#: Not for the model to say.
OTHERS = {
    ("overview", "consumers"), ("overview", "not_members"), ("overview", "points_expired"),
    ("overview", "live_offers"), ("overview", "points_offered"),
    ("classes", "lifecycle", "prospect", "consumers"),  # they have bought nothing
}  # fmt: skip


@pytest.mark.parametrize(
    "book",
    [OPT_IN, EXPERIMENT, PENDING, CLASSES, BLOCKS],
    ids=["opt_in", "spring", "pending", "classes", "blocks"],
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(events=histories(), seed=st.integers(0, 2**32), days=st.integers(DAYS + 1, 60))
def test_a_report_is_a_recount(book: RuleBook, events: list[Event], seed: int, days: int) -> None:
    as_of = START + days * DAY
    assume(not Recount(book, ACCOUNTS).is_left_to_chance(events))
    random = Random(seed)
    published = arrivals(events, random)
    world = World(book, DIRECTORY, random)
    world.run(published, until=END)
    world.advance(as_of)
    counts = Counts()
    for key, account in world.accounts().items():
        counts.add_person(account_figures(key, account, book, as_of))
    found = {
        key: count.amount
        for key, count in counts.under()
        if key[0] in FIGURES and key not in OTHERS and not {"crossed", "tags"} & {*key}
    }
    expected = Recount(book, ACCOUNTS).of([event for event, _ in published], as_of)
    assert found == Counter(expected)
