# SPDX-License-Identifier: Apache-2.0
"""P3 and P2: order, repetition and partitioning change nothing; the naive model agrees."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas import Event
from stream.engine.model.ruleset import RuleBook
from tests.support.books import (
    ACCOUNTS,
    BLOCKS,
    BOOK,
    CLASSES,
    DAY,
    DIRECTORY,
    ENDED,
    EXPERIMENT,
    GOALS,
    LIMITED,
    NUDGED,
    OPT_IN,
    PENDING,
    SCHEDULED,
    START,
)
from tests.support.events import DAYS, histories
from tests.support.model import Model
from tests.support.world import World

pytestmark = pytest.mark.fuzz

END = START + (DAYS + 1) * DAY


def arrivals(events: list[Event], random: Random) -> list[tuple[Event, int]]:
    """Duplicated, shuffled, at rising times which have nothing to do with the events' own."""
    published = [*events]
    if events:
        published += random.choices(events, k=random.randrange(len(events) + 1))
    random.shuffle(published)
    times = sorted(random.randrange(START, END) for _ in published)
    return list(zip(published, times, strict=True))


@pytest.mark.parametrize(
    "book",
    [BOOK, OPT_IN, EXPERIMENT, PENDING, GOALS, SCHEDULED, CLASSES, LIMITED, ENDED, NUDGED, BLOCKS],
    ids=[
        *("opt_out", "opt_in", "experiment", "pending", "goals", "scheduled", "classes"),
        *("limited", "ended", "nudged", "blocks"),
    ],
)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(events=histories(), seed=st.integers(0, 2**32))
def test_any_order_gives_what_the_model_has(book: RuleBook, events: list[Event], seed: int) -> None:
    assume(not Model(book, ACCOUNTS).is_left_to_chance(events))
    random = Random(seed)
    published = arrivals(events, random)
    world = World(book, DIRECTORY, random)
    world.run(published, until=END)
    expected = Model(book, ACCOUNTS).judge([event for event, _ in published], END)
    assert world.dead == []
    assert world.binds() == expected.binds
    assert world.balances() == expected.balances
    assert world.payouts() == expected.payouts
    assert world.spent() == expected.spent
    assert world.classes() == expected.classes
    assert world.told() == expected.told
    assert world.nudged() == expected.nudges
    assert world.live() == expected.live
    assert world.announced() == expected.live  # the CRM has read exactly that
    assert world.announced_blocks() == expected.blocks
    assert Counter({k: n for k, n in world.counts.items() if n}) == expected.outcomes
    assert sum(world.counts.values()) == len(published)
    assert world.violations() == []
